import { defineCommand } from './definition/command.ts';
import { chosenOf, givenUpOptions, notGivenUp } from './options/given-up.ts';

/** Nothing is done with the study that is dropped. */
export const queueDrop = defineCommand({
  name: 'queue drop',
  help: 'take a study from the list of those given up',
  runs: 'in-node',
  options: givenUpOptions,
  run: async (options, { queue: open, print }) => {
    const queue = await open();
    for (const studyInstanceUid of await chosenOf(queue, options)) {
      if (!(await queue.drop(studyInstanceUid))) throw notGivenUp(studyInstanceUid);
      print(`dropped: ${studyInstanceUid}`);
    }
  },
});
