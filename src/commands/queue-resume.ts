import { z } from 'zod';
import { defineCommand } from './definition/command.ts';

/** Ends a pause or a drain, for all processes and for good. */
export const queueResume = defineCommand({
  name: 'queue resume',
  help: 'take up the work again',
  runs: 'in-node',
  options: z.strictObject({}),
  run: async (_, { queue, print }) => {
    await (await queue()).setMode('running');
    print('the queue is running');
  },
});
