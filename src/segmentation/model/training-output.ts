import { readdir } from 'node:fs/promises';
import path from 'node:path';

const CHECKPOINTS = [
  { name: /^model_(final_checkpoint|best|latest)\.model$/, of: 'nnU-Net v1' },
  { name: /^checkpoint_\w+\.pth$/, of: 'nnU-Net v2' },
] as const;

/** From a folder of trainings to the fold with the checkpoint. */
const MAX_DEPTH = 4;

/**
 * What to say of a folder that holds a training's output in place of a model; undefined where it holds none.
 */
export async function trainingOutputWords(folder: string, depth = 0): Promise<string | undefined> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const { name } of entries.filter((entry) => entry.isFile())) {
    const found = CHECKPOINTS.find((checkpoint) => checkpoint.name.test(name));
    if (found) return `training output of ${found.of} (${path.join(folder, name)}): import it first`;
  }
  if (depth === MAX_DEPTH) return undefined;
  for (const entry of entries.filter((one) => one.isDirectory())) {
    const words = await trainingOutputWords(path.join(folder, entry.name), depth + 1);
    if (words !== undefined) return words;
  }
  return undefined;
}
