import { stringify } from 'yaml';
import { z } from 'zod';
import { loadConfig, masked } from '../config.ts';
import { defineCommand } from './definition/command.ts';
import { argument, requiredText } from './definition/field.ts';
import { print } from './terminal/print.ts';

export const configCheck = defineCommand({
  name: 'config check',
  help: 'validate a configuration and print it resolved, secrets masked',
  runs: 'here',
  takesConfig: false,
  options: z.strictObject({ file: argument('<file>', "the site's configuration", requiredText) }),
  run: ({ file }) => print(stringify(masked(loadConfig({ file })))),
});
