import { z } from 'zod';
import { composeArchiveClient } from '../compose/archive.ts';
import { type Config, ConfigError } from '../config.ts';
import { configuredModels } from '../pipeline/run/models.ts';
import { chooseSeries } from '../pipeline/selection/choose-series.ts';
import { describeSeries } from '../pipeline/selection/describe-series.ts';
import { predictStudies } from '../pipeline/selection/metadata-file.ts';
import { readSelectionRules, type SelectionRules } from '../pipeline/selection/rules.ts';
import type { SeriesDecision } from '../pipeline/selection/select.ts';
import { defineCommand } from './definition/command.ts';
import { flag, option, optionalText } from './definition/field.ts';
import { print } from './terminal/print.ts';

/** What would be chosen in a study of the archive, or in each of a file of studies, and why. */
export const select = defineCommand({
  name: 'select',
  help: 'say what would be chosen in a study and why; nothing is processed',
  runs: 'here',
  options: z
    .strictObject({
      studyInstanceUid: option('--study <uid>', 'Study Instance UID, in the archive', optionalText),
      metadata: option(
        '--metadata <file>',
        'a file of studies as DICOM JSON; prints the choices as JSON',
        optionalText,
      ),
      json: flag('--json', 'print JSON instead of sentences'),
    })
    .refine(
      ({ studyInstanceUid, metadata }) => (studyInstanceUid === undefined) !== (metadata === undefined),
      'select: name either a study of the archive (--study) or a file (--metadata)',
    ),
  run: async ({ studyInstanceUid, metadata, json }, { configure }) => {
    const config = configure();
    const rules = readSelectionRules(config.selection.rules, config.selection.siteRules);
    if (metadata !== undefined) print(JSON.stringify(predictStudies(metadata, rules), null, 2));
    if (studyInstanceUid === undefined) return;
    const decisions = await decideStudy(studyInstanceUid, config, rules);
    if (json) print(JSON.stringify(decisions.map(forOutput), null, 2));
    else for (const decision of decisions) print(sentence(decision));
  },
});

async function decideStudy(
  studyInstanceUid: string,
  config: Config,
  rules: SelectionRules,
): Promise<SeriesDecision[]> {
  if (config.archive.kind === 'embedded') {
    throw new ConfigError(
      'select: archive.kind is embedded; name the archive to look into (archive.kind, archive.url)',
    );
  }
  const archive = composeArchiveClient(config);
  const series = await archive.searchSeries(studyInstanceUid);
  const candidates = await describeSeries(archive, studyInstanceUid, series);
  return chooseSeries(candidates, rules, configuredModels(config.models, config.models.folder));
}

const forOutput = ({ part, ...decision }: SeriesDecision) => ({ ...decision, part: part?.name ?? null });

const sentence = ({ chosen, class: taken, description, seriesInstanceUid, reason }: SeriesDecision): string =>
  `${chosen ? 'chosen' : 'left'}  ${taken}  "${description}" ${seriesInstanceUid}: ${reason}`;
