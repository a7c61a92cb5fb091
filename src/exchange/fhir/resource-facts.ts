import { CODES, type Code } from '../../results/codes.ts';
import { MANUFACTURER } from '../../results/own-results.ts';
import { reportClassUid } from '../../sr/report-form.ts';
import type { SentVolume } from '../../store/exchange/outgoing.ts';
import { type OutgoingResult, summaryLines } from '../result/outgoing-result.ts';
import { STATUS } from './observation.ts';
import {
  orderReferences,
  patientReference,
  type ResourceIds,
  reference,
  studyDateTime,
} from './references.ts';
import {
  ASSEMBLER,
  hl7Concept,
  IMAGING_STUDY_REPORT,
  type IssuerSystems,
  sopClassCoding,
  uidIdentifier,
} from './terms.ts';

/** One series that is known of a study: of images, or of results. */
export interface StudySeries {
  readonly uid: string;
  readonly modality: Code;
  readonly instance?: { readonly uid: string; readonly sopClassUid: string };
}

const MODALITIES = {
  CT: CODES.ct,
  MR: CODES.mr,
  SEG: { value: 'SEG', scheme: 'DCM', meaning: 'Segmentation' },
  SR: { value: 'SR', scheme: 'DCM', meaning: 'Structured Report Document' },
} as const satisfies Record<string, Code>;

/**
 * The series of a study that the history knows, each once: all of its results, so that each message of the
 * study names the same.
 * @param segmentationClasses SOP Class UIDs of SEGs, where they are known
 */
export function studySeries(
  volumes: readonly SentVolume[],
  segmentationClasses: ReadonlyMap<string, string>,
): StudySeries[] {
  const all = volumes.flatMap((volume) => {
    const { seriesInstanceUid: uid, class: images, correction } = volume;
    return [
      { uid, modality: images === 'CT' ? MODALITIES.CT : MODALITIES.MR },
      ...[volume.seg, correction?.seg].flatMap((seg) => (seg ? [segSeries(seg, segmentationClasses)] : [])),
      ...[volume.report, correction?.report].flatMap((report) => (report ? [reportSeries(report)] : [])),
    ];
  });
  return [...new Map(all.map((one) => [one.uid, one])).values()];
}

function segSeries(
  { seriesInstanceUid: uid, sopInstanceUid }: NonNullable<SentVolume['seg']>,
  classes: ReadonlyMap<string, string>,
): StudySeries {
  const sopClassUid = classes.get(sopInstanceUid);
  const instance = sopClassUid === undefined ? {} : { instance: { uid: sopInstanceUid, sopClassUid } };
  return { uid, modality: MODALITIES.SEG, ...instance };
}

const reportSeries = (report: SentVolume['report']): StudySeries => ({
  uid: report.seriesInstanceUid,
  modality: MODALITIES.SR,
  instance: { uid: report.sopInstanceUid, sopClassUid: reportClassUid(report) },
});

/** What is the same in an ImagingStudy of R4 and of R5. */
export function studyFacts(result: OutgoingResult, systems: IssuerSystems) {
  const started = studyDateTime(result);
  const basedOn = orderReferences(result, systems);
  const { uid, description } = result.study;
  return {
    identifier: [uidIdentifier(uid)],
    status: 'available' as const,
    ...(started === undefined ? {} : { started }),
    ...(basedOn.length > 0 ? { basedOn } : {}),
    ...(description === undefined ? {} : { description }),
  };
}

/** The series of an ImagingStudy, whose modality R4 has as a Coding and R5 as a CodeableConcept. */
export const seriesFacts = <Modality>(
  series: readonly StudySeries[],
  modalityOf: (modality: Code) => Modality,
) =>
  series.map(({ uid, modality, instance }) => ({
    uid,
    modality: modalityOf(modality),
    ...(instance
      ? { instance: [{ uid: instance.uid, sopClass: sopClassCoding(instance.sopClassUid) }] }
      : {}),
  }));

/** What is the same in a Provenance of R4 and of R5. */
export function provenanceFacts({ madeAt, at, change }: OutgoingResult, ids: ResourceIds) {
  return {
    id: ids.provenance,
    target: [reference('DiagnosticReport', ids.report), reference('Observation', ids.observation)],
    occurredDateTime: madeAt.toISOString(),
    recorded: at.toISOString(),
    activity: { text: change },
    agent: [{ type: ASSEMBLER, who: reference('Device', ids.node) }],
    entity: [{ role: 'source' as const, what: reference('ImagingStudy', ids.study) }],
  };
}

/** What is the same in a DiagnosticReport of R4 and of R5. */
export function reportFacts(result: OutgoingResult, ids: ResourceIds, systems: IssuerSystems) {
  const basedOn = orderReferences(result, systems);
  const effective = studyDateTime(result);
  const { pdf, madeAt } = result;
  return {
    id: ids.report,
    identifier: [uidIdentifier(result.report.sopInstanceUid)],
    ...(basedOn.length > 0 ? { basedOn } : {}),
    category: [hl7Concept('v2-0074', 'RAD', 'Radiology')],
    code: IMAGING_STUDY_REPORT,
    subject: patientReference(result, systems),
    ...(effective === undefined ? {} : { effectiveDateTime: effective }),
    issued: madeAt.toISOString(),
    result: [reference('Observation', ids.observation)],
    conclusion: summaryLines(result).join('\n'),
    ...(pdf
      ? {
          presentedForm: [
            {
              contentType: 'application/pdf',
              language: 'en',
              data: Buffer.from(pdf).toString('base64'),
              title: 'Pancreas volume report',
              creation: madeAt.toISOString(),
            },
          ],
        }
      : {}),
    status: STATUS[result.change],
  };
}

/** What is the same in a Device of R4 and of R5. */
export function deviceFacts({ device, model, softwareVersion, byReader }: OutgoingResult, ids: ResourceIds) {
  const common = (id: string, versions: Readonly<Record<string, string>>) => ({
    id,
    status: 'active' as const,
    version: Object.entries(versions).map(([text, value]) => ({ type: { text }, value })),
  });
  const node = {
    ...common(ids.node, { Software: softwareVersion }),
    identifier: [uidIdentifier(device.uid)],
    manufacturer: MANUFACTURER,
    ...(device.serialNumber === undefined ? {} : { serialNumber: device.serialNumber }),
  };
  // What a reader segmented was made by no model.
  if (byReader) return { node, model: undefined };
  const facts = {
    ...common(ids.model, { Model: model.version, 'SHA-256 of the weights': model.sha256 }),
    parent: reference('Device', ids.node),
  };
  return { node, model: { device: facts, name: model.name, mode: model.mode } };
}

/** In the node's own SEGs the pancreas has its number; in a reader's it may have any. */
export const selectsSegment = ({ byReader }: OutgoingResult): boolean => !byReader;
