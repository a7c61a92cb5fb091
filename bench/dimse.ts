import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { startOrthanc } from '../test/support/orthanc.ts';
import type { BenchOptions, BenchRow } from './bench-row.ts';
import { fill } from './retrieval.ts';

/** What was promised: times the seconds over DICOMweb, and times the bytes of the volume. */
const PROMISED = { timesDicomWeb: 2, timesVolume: 1.5 } as const;
const STUDY = '2.25.77001';
const WARM_UP = { series: `${STUDY}.1`, edge: 128, slices: 200 };
const FULL_SIZE = { series: `${STUDY}.2`, edge: 512, slices: 300 };
/** They take turns; the fastest of each counts. */
const TURNS = 5;

const run = promisify(execFile);
const measured = z.object({
  seconds: z.number(),
  secondsAgain: z.number(),
  growthBytes: z.number(),
  volumeBytes: z.number(),
});

/**
 * An uncompressed CT by C-GET into a volume in memory, beside the same from the same Orthanc over DICOMweb.
 * Orthanc's library waits for acknowledgements between small packets unless it is told not to; both are
 * measured.
 */
export async function benchDimse({ quick }: BenchOptions): Promise<BenchRow[]> {
  const ct = quick ? { ...FULL_SIZE, edge: 128, slices: 20 } : FULL_SIZE;
  const rows: BenchRow[] = [];
  for (const delayed of quick ? [true] : [false, true])
    rows.push(...(await measure(ct, delayed, quick ? 1 : TURNS)));
  return rows;
}

async function measure(ct: typeof FULL_SIZE, delayed: boolean, turns: number): Promise<BenchRow[]> {
  const orthanc = await startOrthanc(
    { DicomModalities: { bench: ['BENCH', '127.0.0.1', 1] } },
    delayed ? {} : { TCP_NODELAY: '1' },
  );
  try {
    for (const series of [WARM_UP, ct]) await fill(orthanc.restUrl, STUDY, series);
    const program = path.join(import.meta.dirname, 'retrieve-series.ts');
    const counts = [WARM_UP, ct].flatMap(({ series, slices }) => [series, String(slices)]);
    const taken = { web: [] as z.infer<typeof measured>[], get: [] as z.infer<typeof measured>[] };
    for (let turn = 0; turn < turns; turn++) {
      for (const [kind, address] of [
        ['web', orthanc.url],
        ['get', `dicom://127.0.0.1:${orthanc.dicomPort}`],
      ] as const) {
        const { stdout } = await run(process.execPath, [program, address, STUDY, ...counts]);
        taken[kind].push(measured.parse(JSON.parse(stdout)));
      }
    }
    const least = (kind: keyof typeof taken) =>
      Math.min(...taken[kind].map(({ secondsAgain }) => secondsAgain));
    const growth = Math.max(...taken.get.map((turn) => turn.growthBytes / turn.volumeBytes));
    const how = delayed ? 'Orthanc as it comes' : 'Orthanc with TCP_NODELAY=1';
    const name = `C-GET, ${ct.edge}x${ct.edge}x${ct.slices}, ${how}`;
    return [
      { name, value: least('get'), unit: 's', peer: { name: 'DICOMweb', value: least('web') } },
      {
        name: `${name}, ratio`,
        value: least('get') / least('web'),
        unit: 'x DICOMweb',
        peer: { name: 'promised', value: PROMISED.timesDicomWeb },
      },
      {
        name: `${name}, growth of memory`,
        value: growth,
        unit: 'x volume',
        peer: { name: 'promised', value: PROMISED.timesVolume },
      },
    ];
  } finally {
    await orthanc.stop();
  }
}
