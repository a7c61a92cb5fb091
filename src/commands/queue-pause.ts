import { z } from 'zod';
import { defineCommand } from './definition/command.ts';

/** Pauses the work, for all processes and for good. */
export const queuePause = defineCommand({
  name: 'queue pause',
  help: 'finish what is worked on and begin nothing more, until `queue resume`',
  runs: 'in-node',
  options: z.strictObject({}),
  run: async (_, { queue, print }) => {
    await (await queue()).setMode('paused');
    print('the queue is paused: what is worked on is finished, nothing more is begun');
  },
});
