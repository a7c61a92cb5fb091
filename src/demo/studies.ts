import { ctSeries } from './studies-ct.ts';
import { type Patient, syntheticUid, type Visit } from './studies-header.ts';
import { mrSeries } from './studies-mr.ts';
import { abdomenOf, type SyntheticSeries } from './studies-series.ts';

/** A DICOM study of a made-up patient, with the true volume of the pancreas that was drawn into it. */
export interface SyntheticStudy {
  readonly studyInstanceUid: string;
  /** For people, such as `Synthetic^Adam, CT of 2024-03-05`. */
  readonly title: string;
  readonly patientId: string;
  readonly pancreasVolumeMl: number;
  readonly series: readonly SyntheticSeries[];
}

const ADAM: Patient = {
  id: 'SYN-0001',
  name: 'Synthetic^Adam',
  birthDate: '19610214',
  sex: 'M',
  weightKg: 82,
  sizeM: 1.79,
  seed: 4711,
};

const EVA: Patient = {
  id: 'SYN-0002',
  name: 'Synthetic^Eva',
  birthDate: '19720903',
  sex: 'F',
  weightKg: 66,
  sizeM: 1.68,
  seed: 4712,
};

/** The pancreas at the second CT: 12 % less than a year before. */
const AFTER_A_YEAR = 0.88;

const VISITS: readonly Visit[] = [
  {
    patient: ADAM,
    key: 'first CT',
    date: '20240305',
    time: '101500',
    description: 'CT abdomen with contrast (synthetic demo)',
    accessionNumber: 'SYN2024-1',
    modality: 'CT',
    pose: { turn: 0, table: [0, -178, -412.5] },
    pancreasScale: 1,
    noiseSeed: 11,
  },
  {
    patient: ADAM,
    key: 'second CT',
    date: '20250306',
    time: '094000',
    description: 'CT abdomen with contrast (synthetic demo)',
    accessionNumber: 'SYN2025-1',
    modality: 'CT',
    pose: { turn: 0.03, table: [2.5, -171, -436] },
    pancreasScale: AFTER_A_YEAR,
    noiseSeed: 12,
  },
  {
    patient: EVA,
    key: 'MR',
    date: '20250618',
    time: '140000',
    description: 'MR abdomen (synthetic demo)',
    accessionNumber: 'SYN2025-2',
    modality: 'MR',
    pose: { turn: -0.02, table: [-3, 12, 8] },
    pancreasScale: 1,
    noiseSeed: 13,
  },
];

/**
 * The demo's studies: two CTs of one patient a year apart, and an MR of another. The same on every machine:
 * UIDs, headers and pixels follow from fixed seeds. Images are rendered when their series is read.
 */
export function syntheticStudies(): SyntheticStudy[] {
  return VISITS.map(syntheticStudy);
}

function syntheticStudy(visit: Visit): SyntheticStudy {
  const day = `${visit.date.slice(0, 4)}-${visit.date.slice(4, 6)}-${visit.date.slice(6)}`;
  return {
    studyInstanceUid: syntheticUid(visit),
    title: `${visit.patient.name}, ${visit.modality} of ${day}`,
    patientId: visit.patient.id,
    pancreasVolumeMl: abdomenOf(visit).pancreasVolumeMl,
    series: visit.modality === 'CT' ? ctSeries(visit) : mrSeries(visit),
  };
}
