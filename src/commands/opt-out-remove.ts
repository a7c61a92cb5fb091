import { removeOptOut } from '../store/records/opt-out.ts';
import { StoreError } from '../store/store-error.ts';
import { defineCommand } from './definition/command.ts';
import { optOutOf, optOutOptions } from './options/opt-out.ts';

/** Results that were stored before are not touched; `results withdraw` is for these. */
export const optOutRemove = defineCommand({
  name: 'opt-out remove',
  help: 'take it off the list',
  runs: 'in-node',
  options: optOutOptions,
  run: async (options, { database, print }) => {
    if (!(await removeOptOut(database, optOutOf(options))))
      throw new StoreError('OPT_OUT_UNKNOWN', 'opt-out remove: this is not on the list');
    print('removed; a study is processed when it changes, or on demand');
  },
});
