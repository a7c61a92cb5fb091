import { ctSeries } from '../../src/demo/studies-ct.ts';
import { type Patient, syntheticUid, type Visit } from '../../src/demo/studies-header.ts';

/** A CT like those of the demo, of another made-up patient for each number. */
export interface DemoPatient {
  readonly studyInstanceUid: string;
  /** The portal venous series alone; rendered anew at each call. */
  readonly instances: () => Iterable<Uint8Array>;
}

export function demoPatient(number: number): DemoPatient {
  const patient: Patient = {
    id: `SYN-${1000 + number}`,
    name: `Synthetic^Number ${number}`,
    birthDate: '19610214',
    sex: number % 2 === 0 ? 'F' : 'M',
    weightKg: 70,
    sizeM: 1.7,
    seed: 52_000 + number,
  };
  const visit: Visit = {
    patient,
    key: 'CT',
    date: '20260301',
    time: '101500',
    description: 'CT abdomen with contrast (synthetic demo)',
    accessionNumber: `SYN2026-${number}`,
    modality: 'CT',
    pose: { turn: 0, table: [0, -178, -412.5] },
    pancreasScale: 1,
    noiseSeed: 100 + number,
  };
  const series = ctSeries(visit).find(({ kind }) => kind === 'CT_ABDOMEN');
  if (!series) throw new Error('a CT of the demo has a portal venous series');
  return { studyInstanceUid: syntheticUid(visit), instances: series.instances };
}
