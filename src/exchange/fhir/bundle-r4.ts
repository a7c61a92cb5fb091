import type { Device, DiagnosticReport, FhirResource, ImagingStudy, Provenance } from 'fhir/r4.js';
import { MANUFACTURER } from '../../results/own-results.ts';
import type { OutgoingResult } from '../result/outgoing-result.ts';
import { STATUS, volumeObservation } from './observation.ts';
import { patientReference, type ResourceIds, reference, resourceIds } from './references.ts';
import { deviceFacts, reportFacts, type StudySeries, studyFacts } from './resource-facts.ts';
import { ASSEMBLER, coding, type IssuerSystems, sopClassCoding, uidIdentifier } from './terms.ts';

/** The resources of a result in FHIR R4 (4.0.1), which knows no ImagingSelection. */
export function resourcesR4(
  result: OutgoingResult,
  series: readonly StudySeries[],
  systems: IssuerSystems,
): FhirResource[] {
  const ids = resourceIds(result);
  const subject = patientReference(result, systems);
  const derivedFrom = [reference('ImagingStudy', ids.study)];
  return [
    imagingStudy(result, ids, series, systems),
    ...devices(result, ids),
    volumeObservation(result, ids, { subject, derivedFrom }),
    diagnosticReport(result, ids, systems),
    provenance(result, ids),
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
    series: series.map(({ uid, modality, instance }) => ({
      uid,
      modality: coding(modality),
      ...(instance
        ? { instance: [{ uid: instance.uid, sopClass: sopClassCoding(instance.sopClassUid) }] }
        : {}),
    })),
  };
}

function devices(result: OutgoingResult, ids: ResourceIds): Device[] {
  const { node, model } = deviceFacts(result, ids);
  const named = (name: string): Pick<Device, 'deviceName'> => ({
    deviceName: [{ name, type: 'user-friendly-name' }],
  });
  return [
    { resourceType: 'Device', ...node, ...named(MANUFACTURER) },
    ...(model
      ? [
          {
            resourceType: 'Device' as const,
            ...model.device,
            ...named(model.name),
            property: [{ type: { text: 'Inference mode' }, valueCode: [{ text: model.mode }] }],
          },
        ]
      : []),
  ];
}

function diagnosticReport(
  result: OutgoingResult,
  ids: ResourceIds,
  systems: IssuerSystems,
): DiagnosticReport {
  return {
    resourceType: 'DiagnosticReport',
    id: ids.report,
    identifier: [uidIdentifier(result.report.sopInstanceUid)],
    ...reportFacts(result, ids, systems),
    status: STATUS[result.change],
    imagingStudy: [reference('ImagingStudy', ids.study)],
  };
}

function provenance(result: OutgoingResult, ids: ResourceIds): Provenance {
  return {
    resourceType: 'Provenance',
    id: ids.provenance,
    target: [reference('DiagnosticReport', ids.report), reference('Observation', ids.observation)],
    occurredDateTime: result.madeAt.toISOString(),
    recorded: result.at.toISOString(),
    activity: { text: result.change },
    agent: [{ type: ASSEMBLER, who: reference('Device', ids.node) }],
    entity: [{ role: 'source', what: reference('ImagingStudy', ids.study) }],
  };
}
