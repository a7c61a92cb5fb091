import { z } from 'zod';
import { defineCommand } from './definition/command.ts';

/** Lets nothing new in, for all processes and for good. */
export const queueDrain = defineCommand({
  name: 'queue drain',
  help: 'work off what waits and let nothing new in, until `queue resume`',
  runs: 'in-node',
  options: z.strictObject({}),
  run: async (_, { queue, print }) => {
    await (await queue()).setMode('draining');
    print('the queue is draining: what waits is worked off, new arrivals are left for later');
  },
});
