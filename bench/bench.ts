/**
 * Measures speed and memory and prints one table.
 *
 *   npm run bench -- [PART ...] [--quick]
 *
 * Parts: retrieval, dimse, receive, preprocessing, export, seg, watch, queue, database, pages, refusals, memory, forward,
 * modes, import, gpu, doors, scale, end; all of them without a name. `--quick` runs each on something small, to see that
 * it works.
 * What is compared runs on this machine in the same run; the Python peer needs Debian's python3-skimage,
 * retrieval and dimse need Orthanc, retrieval curl. Nothing else should run meanwhile.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type BenchPart, type BenchRow, formatTable } from './bench-row.ts';
import { benchDatabase } from './database/database.ts';
import { benchDimse } from './dimse.ts';
import { benchDoors } from './doors.ts';
import { benchExport } from './export.ts';
import { benchForward } from './forward.ts';
import { benchGpu } from './gpu.ts';
import { benchImport } from './import.ts';
import { benchMemory } from './memory.ts';
import { benchModes } from './modes.ts';
import { benchPages } from './pages.ts';
import { benchPreprocessing } from './preprocessing.ts';
import { benchQueue } from './queue.ts';
import { benchReceive } from './receive.ts';
import { benchRefusals } from './refusals.ts';
import { benchRetrieval } from './retrieval.ts';
import { benchSegmentationObject } from './segmentation-object.ts';
import { benchEndToEnd } from './serving/end-to-end.ts';
import { benchScale } from './serving/scale.ts';
import { benchWatch } from './watch.ts';

const PARTS: Readonly<Record<string, BenchPart>> = {
  retrieval: benchRetrieval,
  dimse: benchDimse,
  receive: benchReceive,
  preprocessing: benchPreprocessing,
  export: benchExport,
  seg: benchSegmentationObject,
  watch: benchWatch,
  queue: benchQueue,
  database: benchDatabase,
  pages: benchPages,
  refusals: benchRefusals,
  import: benchImport,
  memory: benchMemory,
  forward: benchForward,
  modes: benchModes,
  gpu: benchGpu,
  doors: benchDoors,
  scale: benchScale,
  end: benchEndToEnd,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false } },
});
const names = positionals.length > 0 ? positionals : Object.keys(PARTS);
const unknown = names.filter((name) => !PARTS[name]);
if (unknown.length > 0)
  throw new Error(`no part ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}`);

const folder = await mkdtemp(path.join(tmpdir(), 'bench-'));
const rows: BenchRow[] = [];
try {
  for (const name of names) {
    process.stderr.write(`${name} ...\n`);
    rows.push(...((await PARTS[name]?.({ quick: values.quick, folder })) ?? []));
  }
} finally {
  await rm(folder, { recursive: true });
}
const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} threads, ${gigabytes} GB, Node ` +
    `${process.version}${values.quick ? '; --quick: small sizes, figures mean nothing' : ''}\n`,
);
console.log(formatTable(rows));
