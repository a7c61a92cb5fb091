import { validate } from 'node-cron';
import { stringify } from 'yaml';
import { z } from 'zod';
import { messageOf } from '../coded-error.ts';
import { type Config, ConfigError, loadConfig, masked } from '../config.ts';
import { configuredModels, MODALITY_OF } from '../pipeline/run/models.ts';
import { readSelectionRules, SEGMENTED_CLASSES } from '../pipeline/selection/rules.ts';
import { defineCommand } from './definition/command.ts';
import { argument, flag, requiredText } from './definition/field.ts';
import { print } from './terminal/print.ts';

export const configCheck = defineCommand({
  name: 'config check',
  help: 'say whether a configuration is in order',
  runs: 'here',
  takesConfig: false,
  options: z.strictObject({
    file: argument('<file>', "the site's configuration", requiredText),
    print: flag('--print', 'print it resolved, secrets masked'),
  }),
  run: async ({ file, print: isPrinted }) => {
    const config = loadConfig({ file });
    const problems = await problemsOf(config);
    if (problems.length > 0)
      throw new ConfigError(`${file} is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    print(isPrinted ? stringify(masked(config)) : `${file} is in order`);
  },
});

/** What `serve` would stumble over although each value is of the right kind. */
async function problemsOf({ watch, models, selection }: Config): Promise<string[]> {
  const problems: string[] = [];
  const tried = async (key: string, attempt: () => unknown) => {
    try {
      await attempt();
    } catch (error) {
      problems.push(`${key}: ${messageOf(error)}`);
    }
  };
  if (!validate(watch.schedule))
    problems.push(`watch.schedule: '${watch.schedule}' is no cron expression of five or six fields`);
  await tried('selection', () => readSelectionRules(selection.rules, selection.siteRules));
  const sections = { models, 'models.candidates': models.candidates };
  for (const [section, names] of Object.entries(sections)) {
    const configured = configuredModels(names, models.folder);
    for (const seriesClass of SEGMENTED_CLASSES) {
      if (configured.has(seriesClass))
        await tried(`${section}.${MODALITY_OF[seriesClass]}`, () => configured.load(seriesClass));
    }
  }
  return problems;
}
