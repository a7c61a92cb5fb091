import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { startOrthanc } from '../test/support/orthanc.ts';
import { smallInstance } from '../test/support/small-instance.ts';
import type { BenchOptions, BenchRow } from './bench-row.ts';

/** What was promised: times the seconds of curl, and times the bytes of the volume. */
const PROMISED = { timesCurl: 3, timesVolume: 1.5 } as const;
const STUDY = '2.25.77001';
const WARM_UP = { series: `${STUDY}.1`, edge: 128, slices: 200 };
const FULL_SIZE = { series: `${STUDY}.2`, edge: 512, slices: 600 };
/** Curl and the node take turns; the fastest of each counts. */
const TURNS = 5;
const ACCEPT = 'Accept: multipart/related; type="application/dicom"; transfer-syntax=*';

const run = promisify(execFile);
const measured = z.object({
  seconds: z.number(),
  secondsAgain: z.number(),
  growthBytes: z.number(),
  volumeBytes: z.number(),
});

/**
 * An uncompressed CT from Orthanc on this machine into a volume in memory, beside curl that writes the same
 * answer to a file. Without Orthanc or curl there is nothing to measure, and this throws.
 */
export async function benchRetrieval({ quick, folder }: BenchOptions): Promise<BenchRow[]> {
  const ct = quick ? { ...FULL_SIZE, edge: 128, slices: 20 } : FULL_SIZE;
  const orthanc = await startOrthanc();
  try {
    for (const series of [WARM_UP, ct]) await fill(orthanc.restUrl, STUDY, series);
    const file = path.join(folder, 'curl.out');
    const address = `${orthanc.url}/studies/${STUDY}/series/${ct.series}`;
    const program = path.join(import.meta.dirname, 'retrieve-series.ts');
    const counts = [WARM_UP, ct].flatMap(({ series, slices }) => [series, String(slices)]);
    const curl: number[] = [];
    const node: z.infer<typeof measured>[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      const timed = await run('curl', ['-sf', '-H', ACCEPT, '-o', file, '-w', '%{time_total}', address]);
      curl.push(Number(timed.stdout));
      const { stdout } = await run(process.execPath, [program, orthanc.url, STUDY, ...counts]);
      node.push(measured.parse(JSON.parse(stdout)));
    }
    const seconds = Math.min(...node.map((turn) => turn.seconds));
    const again = Math.min(...node.map((turn) => turn.secondsAgain));
    const reference = Math.min(...curl);
    const growth = Math.max(...node.map((turn) => turn.growthBytes / turn.volumeBytes));
    const name = `retrieval, ${ct.edge}x${ct.edge}x${ct.slices} from Orthanc`;
    return [
      { name: `${name} to a volume`, value: seconds, unit: 's', peer: { name: 'curl', value: reference } },
      {
        name: `${name}, first of a process`,
        value: seconds / reference,
        unit: 'x curl',
        peer: { name: 'promised', value: PROMISED.timesCurl },
      },
      {
        name: `${name}, later ones`,
        value: again / reference,
        unit: 'x curl',
        peer: { name: 'promised', value: PROMISED.timesCurl },
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

/** An axial CT of noise: uncompressed, so that its content does not matter. */
export async function fill(
  restUrl: string,
  study: string,
  { series, edge, slices }: typeof FULL_SIZE,
): Promise<void> {
  const pixels = Uint16Array.from({ length: edge * edge }, (_, i) => (i * 7919) % 2048);
  for (let slice = 0; slice < slices; slice++) {
    pixels[0] = slice;
    const uids = { study, series, sop: `${series}.${slice + 1}` };
    const body = new Uint8Array(
      smallInstance(uids, {
        FrameOfReferenceUID: `${study}.9`,
        InstanceNumber: String(slice + 1),
        ImageOrientationPatient: ['1', '0', '0', '0', '1', '0'],
        ImagePositionPatient: ['0', '0', String(slice)],
        PixelSpacing: ['0.7', '0.7'],
        RescaleSlope: '1',
        RescaleIntercept: '-1024',
        Rows: edge,
        Columns: edge,
        BitsStored: 12,
        HighBit: 11,
        PixelRepresentation: 0,
        PixelData: pixels.buffer,
      }),
    );
    const response = await fetch(`${restUrl}/instances`, { method: 'POST', body });
    if (!response.ok) throw new Error(`Orthanc answered ${response.status} to an instance`);
    await response.body?.cancel();
  }
}
