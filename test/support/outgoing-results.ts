import type { OutgoingResult } from '../../src/exchange/result/outgoing-result.ts';

/** Everything that a result may say. */
export const FULL_RESULT: OutgoingResult = {
  messageId: '0123456789ABCDEF0123',
  result: '5f0c1a52-6d0e-8a3b-9c1d-2e3f4a5b6c7d',
  change: 'finished',
  at: new Date('2026-03-04T05:06:08.000Z'),
  patient: {
    id: { value: 'P-17', issuer: { namespace: 'HOSP', universalId: '1.2.3.4', universalIdType: 'ISO' } },
    name: 'Doe^Jane^M^Dr^PhD',
    birthDate: '19600229',
    sex: 'F',
  },
  study: {
    uid: '2.25.100',
    date: '20260301',
    time: '093000.5',
    offset: '+0100',
    description: 'CT abdomen',
  },
  orders: [
    {
      accession: {
        value: 'ACC-1',
        issuer: { namespace: 'RIS', universalId: undefined, universalIdType: undefined },
      },
      placer: {
        value: 'PL-1',
        issuer: { namespace: 'EHR', universalId: '1.9.8', universalIdType: 'ISO' },
      },
      filler: { value: 'FI-1', issuer: undefined },
      procedureId: 'RP-1',
      procedure: 'CT of the abdomen',
      procedureCode: { value: '25045-6', scheme: 'LN', meaning: 'CT' },
    },
  ],
  images: 'CT',
  modality: 'CT',
  sourceSeriesUid: '2.25.101',
  report: {
    seriesInstanceUid: '2.25.103',
    sopInstanceUid: '2.25.104',
    sopClassUid: '1.2.840.10008.5.1.4.1.1.88.33',
  },
  segmentation: {
    seriesInstanceUid: '2.25.105',
    sopInstanceUid: '2.25.106',
    sopClassUid: '1.2.840.10008.5.1.4.1.1.66.4',
  },
  frameOfReferenceUid: '2.25.107',
  volumeMl: 71.25,
  intervalMl: { low: 68.125, high: 75.5 },
  changePercent: { sincePrevious: -12.5, sinceFirst: -20.04 },
  flags: ['touches-first-slice', 'thick-slices'],
  byReader: false,
  model: { name: 'pansegnet-ct', version: '1.0.0', sha256: 'a'.repeat(64), mode: 'fast' },
  device: { uid: '2.25.108', serialNumber: 'S-1' },
  softwareVersion: '0.2.0',
  qualification: 'RESEARCH',
  notice: undefined,
  madeAt: new Date('2026-03-04T05:06:07.089Z'),
  pdf: Buffer.from('%PDF-1.7 not much of one'),
};

/** As little as a result may say. */
export const BARE_RESULT: OutgoingResult = {
  ...FULL_RESULT,
  patient: {
    id: { value: 'P-17', issuer: undefined },
    name: undefined,
    birthDate: undefined,
    sex: undefined,
  },
  study: { uid: '2.25.100', date: '', time: '', offset: undefined, description: undefined },
  orders: [],
  segmentation: undefined,
  frameOfReferenceUid: undefined,
  volumeMl: undefined,
  intervalMl: null,
  changePercent: undefined,
  flags: ['nothing-found'],
  device: { uid: '2.25.108', serialNumber: undefined },
  pdf: undefined,
};
