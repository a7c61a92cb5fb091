import type {
  Device,
  DiagnosticReport,
  FhirResource,
  ImagingSelection,
  ImagingStudy,
  Provenance,
} from 'fhir/r5.js';
import { CODES } from '../../results/codes.ts';
import { MANUFACTURER } from '../../results/own-results.ts';
import { PANCREAS_SEGMENT_NUMBER } from '../../results/pancreas-segment.ts';
import type { OutgoingResult } from '../result/outgoing-result.ts';
import { volumeObservation } from './observation.ts';
import { orderReferences, patientReference, type ResourceIds, reference, resourceIds } from './references.ts';
import {
  deviceFacts,
  provenanceFacts,
  reportFacts,
  type StudySeries,
  selectsSegment,
  seriesFacts,
  studyFacts,
} from './resource-facts.ts';
import { concept, type IssuerSystems, sopClassCoding } from './terms.ts';

/** The resources of a result in FHIR R5 (5.0.0). */
export function resourcesR5(
  result: OutgoingResult,
  series: readonly StudySeries[],
  systems: IssuerSystems,
): FhirResource[] {
  const ids = resourceIds(result);
  const subject = patientReference(result, systems);
  const study = reference('ImagingStudy', ids.study);
  const selection = segmentSelection(result, ids, systems);
  const derivedFrom = selection ? [reference('ImagingSelection', ids.selection)] : [study];
  return [
    imagingStudy(result, ids, series, systems),
    ...devices(result, ids),
    ...(selection ? [selection] : []),
    volumeObservation(result, ids, { subject, derivedFrom }),
    diagnosticReport(result, ids, systems),
    provenance(result, ids, selection !== undefined),
  ];
}

function imagingStudy(
  result: OutgoingResult,
  ids: ResourceIds,
  series: readonly StudySeries[],
  systems: IssuerSystems,
): ImagingStudy {
  return {
    resourceType: 'ImagingStudy',
    id: ids.study,
    ...studyFacts(result, systems),
    subject: patientReference(result, systems),
    series: seriesFacts(series, concept),
  };
}

function devices(result: OutgoingResult, ids: ResourceIds): Device[] {
  const { node, model } = deviceFacts(result, ids);
  const named = (value: string): Pick<Device, 'name'> => ({ name: [{ value, type: 'user-friendly-name' }] });
  return [
    { resourceType: 'Device', ...node, ...named(MANUFACTURER) },
    ...(model
      ? [
          {
            resourceType: 'Device' as const,
            ...model.device,
            ...named(model.name),
            property: [{ type: { text: 'Inference mode' }, valueString: model.mode }],
          },
        ]
      : []),
  ];
}

/** The pancreas segment of the SEG. */
function segmentSelection(
  result: OutgoingResult,
  ids: ResourceIds,
  systems: IssuerSystems,
): ImagingSelection | undefined {
  const { segmentation, frameOfReferenceUid, study, change, madeAt } = result;
  if (!segmentation) return undefined;
  const basedOn = orderReferences(result, systems);
  return {
    resourceType: 'ImagingSelection',
    id: ids.selection,
    status: change === 'withdrawn' ? 'entered-in-error' : 'available',
    subject: patientReference(result, systems),
    issued: madeAt.toISOString(),
    ...(basedOn.length > 0 ? { basedOn } : {}),
    code: concept(CODES.referencedSegment),
    studyUid: study.uid,
    derivedFrom: [reference('ImagingStudy', ids.study)],
    seriesUid: segmentation.seriesInstanceUid,
    ...(frameOfReferenceUid === undefined ? {} : { frameOfReferenceUid }),
    bodySite: { concept: concept(CODES.pancreas) },
    instance: [
      {
        uid: segmentation.sopInstanceUid,
        ...(segmentation.sopClassUid === undefined
          ? {}
          : { sopClass: sopClassCoding(segmentation.sopClassUid) }),
        ...(selectsSegment(result) ? { subset: [String(PANCREAS_SEGMENT_NUMBER)] } : {}),
      },
    ],
  };
}

function diagnosticReport(
  result: OutgoingResult,
  ids: ResourceIds,
  systems: IssuerSystems,
): DiagnosticReport {
  return {
    resourceType: 'DiagnosticReport',
    ...reportFacts(result, ids, systems),
    study: [reference('ImagingStudy', ids.study)],
  };
}

function provenance(result: OutgoingResult, ids: ResourceIds, hasSelection: boolean): Provenance {
  const { target, ...facts } = provenanceFacts(result, ids);
  const selection = hasSelection ? [reference('ImagingSelection', ids.selection)] : [];
  return { resourceType: 'Provenance', ...facts, target: [...target, ...selection] };
}
