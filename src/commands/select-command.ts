import { composeArchiveClient } from '../compose/archive.ts';
import { type Config, ConfigError, loadConfig } from '../config.ts';
import { configuredModels } from '../pipeline/run/models.ts';
import { chooseSeries } from '../pipeline/selection/choose-series.ts';
import { describeSeries } from '../pipeline/selection/describe-series.ts';
import { predictStudies } from '../pipeline/selection/metadata-file.ts';
import { readSelectionRules, type SelectionRules } from '../pipeline/selection/rules.ts';
import type { SeriesDecision } from '../pipeline/selection/select.ts';
import { print } from './print.ts';

interface SelectOptions {
  study?: string;
  metadata?: string;
  json?: true;
  config?: string;
}

/** What would be chosen in a study of the archive, or in each of a file of studies, and why. Nothing is processed. */
export async function explainSelection(options: SelectOptions): Promise<void> {
  const config = loadConfig({ file: options.config });
  const rules = readSelectionRules(config.selection.rules, config.selection.siteRules);
  if (options.metadata !== undefined && options.study === undefined) {
    print(JSON.stringify(predictStudies(options.metadata, rules), null, 2));
  } else if (options.study !== undefined && options.metadata === undefined) {
    const decisions = await decideStudy(options.study, config, rules);
    if (options.json) print(JSON.stringify(decisions.map(forOutput), null, 2));
    else for (const decision of decisions) print(sentence(decision));
  } else {
    throw new ConfigError('select: name either a study of the archive (--study) or a file (--metadata)');
  }
}

async function decideStudy(study: string, config: Config, rules: SelectionRules): Promise<SeriesDecision[]> {
  if (config.archive.kind === 'embedded') {
    throw new ConfigError(
      'select: archive.kind is embedded; name the archive to look into (archive.kind, archive.url)',
    );
  }
  const archive = composeArchiveClient(config);
  const series = await archive.searchSeries(study);
  const candidates = await describeSeries(archive, study, series);
  return chooseSeries(candidates, rules, configuredModels(config.models, config.models.folder));
}

const forOutput = ({ part, ...decision }: SeriesDecision) => ({ ...decision, part: part?.name ?? null });

const sentence = ({ chosen, class: taken, description, seriesInstanceUid, reason }: SeriesDecision): string =>
  `${chosen ? 'chosen' : 'left'}  ${taken}  "${description}" ${seriesInstanceUid}: ${reason}`;
