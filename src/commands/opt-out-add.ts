import { addOptOut } from '../store/records/opt-out.ts';
import { defineCommand } from './definition/command.ts';
import { optOutOf, optOutOptions } from './options/opt-out.ts';

export const optOutAdd = defineCommand({
  name: 'opt-out add',
  help: 'put a patient or a study on the list',
  runs: 'in-node',
  options: optOutOptions,
  run: async (options, { database, print }) => {
    const isNew = await addOptOut(database, optOutOf(options), new Date());
    print(isNew ? 'added; it is not processed from now on' : 'it was on the list already');
  },
});
