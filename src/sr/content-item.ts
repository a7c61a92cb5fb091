import { type Code, codeItem } from '../dicom/results/codes.ts';
import { decimalString } from '../dicom/results/decimal-string.ts';
import type { WritableDataset } from '../dicom/results/write.ts';

/** An item of a report's content tree (PS3.3 C.17.3), without its relation to the parent. */
export type ContentItem = WritableDataset;

/** How an item relates to the one it stands in (PS3.3 C.17.3.2.4). */
type Relationship = 'CONTAINS' | 'HAS OBS CONTEXT' | 'HAS ACQ CONTEXT' | 'HAS CONCEPT MOD' | 'INFERRED FROM';

/** The item as a child that relates so to its parent. */
export function related(relationship: Relationship, item: ContentItem): ContentItem {
  return { RelationshipType: relationship, ...item };
}

const named = (valueType: string, name: Code): ContentItem => ({
  ValueType: valueType,
  ConceptNameCodeSequence: [codeItem(name)],
});

const withChildren = (children: readonly ContentItem[]): ContentItem =>
  children.length > 0 ? { ContentSequence: children } : {};

/** A CONTAINER; `template` is the number of the DCMR template that it follows, where one is named. */
export function container(
  name: Code,
  template: string | undefined,
  children: readonly ContentItem[],
): ContentItem {
  return {
    ...named('CONTAINER', name),
    ContinuityOfContent: 'SEPARATE',
    ...(template
      ? { ContentTemplateSequence: [{ MappingResource: 'DCMR', TemplateIdentifier: template }] }
      : {}),
    ...withChildren(children),
  };
}

export function codeContent(name: Code, value: Code): ContentItem {
  return { ...named('CODE', name), ConceptCodeSequence: [codeItem(value)] };
}

export function textContent(name: Code, value: string): ContentItem {
  return { ...named('TEXT', name), TextValue: value };
}

export function uidContent(name: Code, uid: string): ContentItem {
  return { ...named('UIDREF', name), UID: uid };
}

/** `value` in the form of DA. */
export function dateContent(name: Code, value: string): ContentItem {
  return { ...named('DATE', name), Date: value };
}

/** `value` in the form of TM. */
export function timeContent(name: Code, value: string): ContentItem {
  return { ...named('TIME', name), Time: value };
}

/**
 * A measurement: `decimals` places for people, and the full value beside it as Floating Point Value (PS3.3 C.18.1).
 */
export function numContent(
  name: Code,
  value: number,
  unit: Code,
  decimals: number,
  children: readonly ContentItem[] = [],
): ContentItem {
  const measured = {
    MeasurementUnitsCodeSequence: [codeItem(unit)],
    NumericValue: decimalString(Number(value.toFixed(decimals))),
    FloatingPointValue: value,
  };
  return { ...named('NUM', name), MeasuredValueSequence: [measured], ...withChildren(children) };
}

export interface InstanceReference {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
}

/** A COMPOSITE: an object without pixels. A key object selection gives it no name (TID 2010). */
export function compositeContent({ sopClassUid, sopInstanceUid }: InstanceReference): ContentItem {
  const reference = { ReferencedSOPClassUID: sopClassUid, ReferencedSOPInstanceUID: sopInstanceUid };
  return { ValueType: 'COMPOSITE', ReferencedSOPSequence: [reference] };
}

/** An IMAGE; with a segment's number it stands for that segment of a SEG. TID 1601 gives its images no name. */
export function imageContent(
  name: Code | undefined,
  instance: InstanceReference,
  segment?: number,
): ContentItem {
  const reference = {
    ReferencedSOPClassUID: instance.sopClassUid,
    ReferencedSOPInstanceUID: instance.sopInstanceUid,
    ...(segment === undefined ? {} : { ReferencedSegmentNumber: segment }),
  };
  return { ...(name ? named('IMAGE', name) : { ValueType: 'IMAGE' }), ReferencedSOPSequence: [reference] };
}
