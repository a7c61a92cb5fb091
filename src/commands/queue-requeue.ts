import { requeueStudy } from '../queue/request-study.ts';
import { defineCommand } from './definition/command.ts';
import { chosenOf, givenUpOptions, notGivenUp } from './options/given-up.ts';

export const queueRequeue = defineCommand({
  name: 'queue requeue',
  help: 'put a study that was given up back in the queue',
  runs: 'in-node',
  options: givenUpOptions,
  run: async (options, { queue: open, database, print }) => {
    const queue = await open();
    for (const studyInstanceUid of await chosenOf(queue, options)) {
      if (!(await requeueStudy({ database, queue }, { studyInstanceUid, now: new Date() })))
        throw notGivenUp(studyInstanceUid);
      print(`queued again: ${studyInstanceUid}`);
    }
  },
});
