import { z } from 'zod';
import { listOptOuts } from '../store/records/opt-out.ts';
import { defineCommand } from './definition/command.ts';
import { jsonFlag } from './definition/field.ts';

export const optOutList = defineCommand({
  name: 'opt-out list',
  help: 'what is on the list',
  runs: 'in-node',
  options: z.strictObject({ json: jsonFlag }),
  run: async ({ json }, { database, print }) => {
    const entries = await listOptOuts(database);
    if (json) print(JSON.stringify(entries, null, 2));
    else if (entries.length === 0) print('nobody');
    else
      for (const { kind, key, addedAt } of entries) print(`${kind}  ${key}  since ${addedAt.toISOString()}`);
  },
});
