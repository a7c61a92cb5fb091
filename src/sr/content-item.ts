import { decimalString } from '../dicom/writing/decimal-string.ts';
import type { WritableDataset } from '../dicom/writing/write.ts';
import { type Code, codeItem } from '../results/codes.ts';
import { type InstanceReference, referenceTo } from '../results/instance-reference.ts';

/** An item of a report's content tree (PS3.3 C.17.3), without its relation to the parent. */
export type ContentItem = WritableDataset;

/** How an item relates to the one it stands in (PS3.3 C.17.3.2.4). */
type Relationship =
  | 'CONTAINS'
  | 'HAS OBS CONTEXT'
  | 'HAS ACQ CONTEXT'
  | 'HAS CONCEPT MOD'
  | 'HAS PROPERTIES'
  | 'INFERRED FROM'
  | 'SELECTED FROM';

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

/** A CODE whose value the images gave, as an item of a code sequence. */
export function codeItemContent(name: Code, value: WritableDataset): ContentItem {
  return { ...named('CODE', name), ConceptCodeSequence: [value] };
}

export function textContent(name: Code, value: string, children: readonly ContentItem[] = []): ContentItem {
  return { ...named('TEXT', name), TextValue: value, ...withChildren(children) };
}

/** `value` in the form of PN. */
export function personContent(name: Code, value: string): ContentItem {
  return { ...named('PNAME', name), PersonName: value };
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
 * A measurement: `decimals` places for people, and the full value beside it as Floating Point Value (PS3.3
 * C.18.1).
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

/** An instance and where it lies. */
export interface LocatedInstance extends InstanceReference {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
}

/** A COMPOSITE: an object without pixels. A key object selection gives it no name (TID 2010). */
export function compositeContent(instance: InstanceReference): ContentItem {
  return { ValueType: 'COMPOSITE', ReferencedSOPSequence: [referenceTo(instance)] };
}

/** An image, or what of it is meant: one frame, or one segment of a SEG. */
export interface ImageReference extends InstanceReference {
  readonly segmentNumber?: number | undefined;
}

/** An IMAGE. The images of TID 1601, and those that coordinates are selected from, have no name. */
export function imageContent(name: Code | undefined, image: ImageReference): ContentItem {
  const { segmentNumber } = image;
  const reference = {
    ...referenceTo(image),
    ...(segmentNumber === undefined ? {} : { ReferencedSegmentNumber: segmentNumber }),
  };
  return { ...(name ? named('IMAGE', name) : { ValueType: 'IMAGE' }), ReferencedSOPSequence: [reference] };
}

/**
 * Column and row of a point in an image: the upper left corner of its first pixel is 0, 0 (PS3.3 C.18.6.1.1).
 */
export type ImagePoint = readonly [column: number, row: number];

/** An SCOORD: a point. */
export function pointContent(name: Code, point: ImagePoint, image: ImageReference): ContentItem {
  return {
    ...named('SCOORD', name),
    GraphicType: 'POINT',
    GraphicData: [...point],
    ContentSequence: [related('SELECTED FROM', imageContent(undefined, image))],
  };
}

/** An SCOORD: a line from point to point, closed where the last is the first again. */
export function polylineContent(
  name: Code,
  points: readonly ImagePoint[],
  image: ImageReference,
): ContentItem {
  return {
    ...named('SCOORD', name),
    GraphicType: 'POLYLINE',
    GraphicData: points.flat(),
    ContentSequence: [related('SELECTED FROM', imageContent(undefined, image))],
  };
}
