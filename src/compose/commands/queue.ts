import { z } from 'zod';
import type { DeadStudy } from '../../queue/dead-studies.ts';
import { QUEUE_MODES } from '../../queue/queue-mode.ts';
import { requeueStudy } from '../../queue/request-study.ts';
import { StoreError } from '../../store/store-error.ts';
import { defineCommand } from './command.ts';

const SHOWN = 1_000;
const PAGE = { limit: SHOWN, offset: 0 };

/** How much waits and runs, whether the queue is paused, and the studies that were given up. */
export const queueListCommand = defineCommand({
  name: 'queue-list',
  options: z.object({ json: z.boolean() }),
  run: async ({ json }, { queue: open, print }) => {
    const queue = await open();
    const [mode, counts, dead] = [await queue.mode(), await queue.counts(), await queue.dead(PAGE)];
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

const chosenStudies = z.object({ study: z.string().optional(), all: z.boolean() });

/** Puts studies that were given up back in the queue. */
export const queueRequeueCommand = defineCommand({
  name: 'queue-requeue',
  options: chosenStudies,
  run: async (options, { queue: open, database, print }) => {
    const queue = await open();
    for (const studyInstanceUid of await chosen(options, () => queue.dead(PAGE))) {
      if (!(await requeueStudy({ database, queue }, { studyInstanceUid, now: new Date() })))
        throw unknown(studyInstanceUid);
      print(`queued again: ${studyInstanceUid}`);
    }
  },
});

/** Takes studies from the list of those that were given up; nothing is done with them. */
export const queueDropCommand = defineCommand({
  name: 'queue-drop',
  options: chosenStudies,
  run: async (options, { queue: open, print }) => {
    const queue = await open();
    for (const studyInstanceUid of await chosen(options, () => queue.dead(PAGE))) {
      if (!(await queue.drop(studyInstanceUid))) throw unknown(studyInstanceUid);
      print(`dropped: ${studyInstanceUid}`);
    }
  },
});

const MODE_WORDS = {
  running: 'the queue is running',
  paused: 'the queue is paused: what is worked on is finished, nothing more is begun',
  draining: 'the queue is draining: what waits is worked off, new arrivals are left for later',
} as const;

/** Pauses, drains or resumes the work of all processes, for good. */
export const queueModeCommand = defineCommand({
  name: 'queue-mode',
  options: z.object({ mode: z.enum(QUEUE_MODES) }),
  run: async ({ mode }, { queue, print }) => {
    await (await queue()).setMode(mode);
    print(MODE_WORDS[mode]);
  },
});

async function chosen(
  { study, all }: z.infer<typeof chosenStudies>,
  list: () => Promise<readonly DeadStudy[]>,
): Promise<string[]> {
  if (all) return (await list()).map(({ studyInstanceUid }) => studyInstanceUid);
  return study === undefined ? [] : [study];
}

function unknown(study: string): StoreError {
  return new StoreError(
    'STUDY_UNKNOWN',
    `study ${study} is not among those that were given up; see \`queue list\``,
  );
}
