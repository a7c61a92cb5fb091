/**
 * Runs a network on windows, in a process with an environment of its own:
 *
 *   node network-answers.ts {"file", "patchSize", "executionProviders", "windows", "answers"}
 *
 * Windows are files of float32, and so is `answers`, to be written: the logits of all, one after the other.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { openNetwork } from '../../src/segmentation/inference/network.ts';

const length = z.number();
const request = z
  .object({
    file: z.string(),
    patchSize: z.tuple([length, length, length]),
    executionProviders: z.array(z.enum(['webgpu', 'cpu'])),
    windows: z.array(z.string()),
    answers: z.string(),
  })
  .parse(JSON.parse(process.argv[2] ?? ''));

const warnings: string[] = [];
const network = await openNetwork(request.file, request.patchSize, 2, {
  executionProviders: request.executionProviders,
  onWarning: (warning) => warnings.push(warning),
});
const opened = network.executionProvider;
const answers: Uint8Array[] = [];
for (const window of request.windows) {
  const bytes = new Uint8Array(await readFile(window));
  const logits = await network.predict(new Float32Array(bytes.buffer));
  answers.push(new Uint8Array(logits.slice().buffer));
}
await writeFile(request.answers, Buffer.concat(answers));
console.log(JSON.stringify({ opened, ended: network.executionProvider, warnings }));
await network.release();
