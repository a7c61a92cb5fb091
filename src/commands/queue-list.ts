import { z } from 'zod';
import type { DeadStudy } from '../queue/dead-studies.ts';
import { defineCommand } from './definition/command.ts';
import { jsonFlag } from './definition/field.ts';
import { givenUp } from './options/given-up.ts';

/** How much waits and runs, whether the queue is paused, and the studies that were given up. */
export const queueList = defineCommand({
  name: 'queue list',
  help: 'how much waits, and which studies were given up, why and when',
  runs: 'in-node',
  options: z.strictObject({ json: jsonFlag }),
  run: async ({ json }, { queue: open, print }) => {
    const queue = await open();
    const [mode, counts, dead] = [await queue.mode(), await queue.counts(), await givenUp(queue)];
    if (json) {
      print(JSON.stringify({ mode, ...counts, givenUp: dead }, null, 2));
      return;
    }
    print(`${mode}: ${counts.waiting} waiting, ${counts.active} being worked on, ${counts.dead} given up`);
    for (const study of dead) print(sentence(study));
  },
});

const sentence = ({ studyInstanceUid, code, reason, failedAt, tries }: DeadStudy): string =>
  `${studyInstanceUid}  ${failedAt.toISOString()}  ${code} after ${tries} tries: ${reason}`;
