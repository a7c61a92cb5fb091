import type { Device, DiagnosticReport, FhirResource, ImagingStudy } from 'fhir/r4.js';
import { MANUFACTURER } from '../../results/own-results.ts';
import type { OutgoingResult } from '../result/outgoing-result.ts';
import { volumeObservation } from './observation.ts';
import { patientReference, type ResourceIds, reference, resourceIds } from './references.ts';
import {
  deviceFacts,
  provenanceFacts,
  reportFacts,
  type StudySeries,
  seriesFacts,
  studyFacts,
} from './resource-facts.ts';
import { coding, type IssuerSystems } from './terms.ts';

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
    { resourceType: 'Provenance', ...provenanceFacts(result, ids) },
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
    series: seriesFacts(series, coding),
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
    ...reportFacts(result, ids, systems),
    imagingStudy: [reference('ImagingStudy', ids.study)],
  };
}
