import { expect, it } from 'vitest';
import type { DicomDataset } from '../../src/dicom/reading/dataset.ts';
import { issuedIdentifier } from '../../src/exchange/fhir/terms.ts';
import { patientId } from '../../src/exchange/hl7/fields.ts';
import { outgoingResult } from '../../src/exchange/result/outgoing-result.ts';
import { nobodyTest } from '../../src/store/records/patient-key.ts';
import { measuredVolume } from '../support/measured-volume.ts';

const SYSTEMS = { '': 'urn:oid:1.1', HOSP: 'https://hosp.example/ids' };
const FACTS = {
  site: { deviceSerialNumber: 'S-1' },
  softwareVersion: '0',
  qualification: 'RESEARCH',
  namesNobody: nobodyTest([]),
  notice: undefined,
};

/** What both exits say of a patient whose images have these elements. */
function saidOf(elements: DicomDataset): { fhir: object; hl7: string } {
  const volume = measuredVolume('p', '20260301');
  const message = {
    number: 1,
    id: '0123456789ABCDEF0123',
    exit: 'fhir',
    studyInstanceUid: volume.studyInstanceUid,
    result: '5f0c1a52-6d0e-8a3b-9c1d-2e3f4a5b6c7d',
    change: 'finished',
    report: volume.report.sopInstanceUid,
    volume: { ...volume, correction: null },
    putAt: new Date('2026-03-04T05:06:08Z'),
    state: 'waiting',
    tries: 0,
    refusals: 0,
    nextTryAt: undefined,
    endedAt: undefined,
    reason: undefined,
  } as const;
  const header = { PatientID: 'P-1', ...elements };
  const { patient } = outgoingResult(message, { header, report: undefined, pdf: undefined }, FACTS);
  const { type: _type, ...fhir } = issuedIdentifier(patient.id, { code: 'MR', display: '' }, SYSTEMS);
  return { fhir, hl7: patientId(patient.id, 'SITE&1.1&ISO').encoded };
}

it.each<[string, DicomDataset, object, string]>([
  ['nobody', {}, { system: 'urn:oid:1.1' }, 'SITE&1.1&ISO'],
  ['an empty issuer', { IssuerOfPatientID: '' }, { system: 'urn:oid:1.1' }, 'SITE&1.1&ISO'],
  [
    'an issuer that the site knows',
    { IssuerOfPatientID: 'HOSP' },
    { system: 'https://hosp.example/ids', assigner: { display: 'HOSP' } },
    'HOSP',
  ],
  [
    'an issuer that nobody knows',
    { IssuerOfPatientID: 'OTHER' },
    { assigner: { display: 'OTHER' } },
    'OTHER',
  ],
  [
    'an OID alone',
    { IssuerOfPatientIDQualifiersSequence: [{ UniversalEntityID: '2.16.5', UniversalEntityIDType: 'ISO' }] },
    { system: 'urn:oid:2.16.5', assigner: { display: '2.16.5' } },
    '&2.16.5&ISO',
  ],
  [
    'a host name alone',
    {
      IssuerOfPatientIDQualifiersSequence: [{ UniversalEntityID: 'b.example', UniversalEntityIDType: 'DNS' }],
    },
    { assigner: { display: 'b.example' } },
    '&b.example&DNS',
  ],
  [
    'a universal id without its type',
    { IssuerOfPatientIDQualifiersSequence: [{ UniversalEntityID: '2.16.5' }] },
    { assigner: { display: '2.16.5' } },
    '2.16.5',
  ],
  [
    'the facility alone',
    {
      IssuerOfPatientIDQualifiersSequence: [
        { AssigningFacilitySequence: [{ LocalNamespaceEntityID: 'CLINIC' }] },
      ],
    },
    { assigner: { display: 'CLINIC' } },
    'CLINIC',
  ],
  [
    'the office alone',
    {
      IssuerOfPatientIDQualifiersSequence: [
        { AssigningAgencyOrDepartmentCodeSequence: [{ CodeValue: 'RAD', CodeMeaning: 'Radiology' }] },
      ],
    },
    { assigner: { display: 'Radiology' } },
    'Radiology',
  ],
])('an id whose images name %s is not taken for that of another issuer', (_, elements, fhir, hl7) => {
  expect(saidOf(elements)).toEqual({ fhir: { value: 'P-1', ...fhir }, hl7: `P-1^^^${hl7}^MR` });
});
