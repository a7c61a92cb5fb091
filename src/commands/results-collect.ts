import path from 'node:path';
import { z } from 'zod';
import { collectLabels } from '../evaluation/sources/collect-labels.ts';
import { defineCommand } from './definition/command.ts';
import { option } from './definition/field.ts';

/** A running node has a working folder of its own. */
const folder = z.string().refine((text) => path.isAbsolute(text), 'Give the whole path of the folder.');

/** What `evaluate --from-archive` begins with. */
export const resultsCollect = defineCommand({
  name: 'results collect',
  help: 'fetch images and segmentations of accepted and corrected results into a folder, as a test set',
  runs: 'in-node',
  options: z.strictObject({
    output: option('--output <dir>', 'where images/, labels/ and groups.csv go: a whole path', folder),
  }),
  run: async ({ output }, { archive, database, signal, onProgress, print }) => {
    const { corrected, accepted, withoutSeg } = await collectLabels(output, {
      archive: await archive(),
      database,
      signal,
      onSeries: (done, total) => onProgress({ stage: 'collect', subject: 'labelled series', done, total }),
    });
    const left = withoutSeg > 0 ? `; ${withoutSeg} accepted ones found nothing and have no SEG` : '';
    print(`labels: ${corrected} corrected and ${accepted} accepted results${left}`);
  },
});
