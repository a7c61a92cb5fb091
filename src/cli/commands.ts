import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { stringify } from 'yaml';
import { composeArchiveClient, composeRun, createLogger, resultSettings, startNode } from '../compose.ts';
import { ConfigError, loadConfig, masked } from '../config.ts';
import { openDatabase } from '../pipeline/database/database.ts';
import { segmentFolder } from '../pipeline/folder/segment-folder.ts';
import { runStudy } from '../pipeline/run-study.ts';
import { readSelectionRules, type SegmentedClass } from '../pipeline/selection/rules.ts';
import { listModels, loadModel } from '../segmentation/model-folder.ts';
import { createProgressDisplay } from './progress.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

export async function serve(options: { config?: string }): Promise<void> {
  const config = loadConfig({ file: options.config });
  const node = await startNode(config);
  await stopSignal();
  await node.stop();
}

/** Resolves when the process is asked to stop: Ctrl-C, or a service manager. */
export async function stopSignal(): Promise<void> {
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}

interface SegmentOptions {
  model: string;
  output: string;
  series?: string;
  json?: true;
  config?: string;
}

export async function segmentSeries(input: string, options: SegmentOptions): Promise<void> {
  const config = loadConfig({ file: options.config });
  const progress = createProgressDisplay();
  try {
    const summary = await segmentFolder({
      input,
      output: options.output,
      model: await loadModel(options.model, [config.models.folder]),
      rules: readSelectionRules(config.selection.rules, config.selection.siteRules),
      settings: resultSettings(config),
      seriesInstanceUid: options.series,
      threads: config.inference.threads || undefined,
      now: new Date(),
      onProgress: progress.listener,
    });
    for (const warning of summary.warnings) progress.line(`warning: ${warning}`);
    const { name, notice } = summary.model;
    const flags = summary.flags.length > 0 ? `; flags: ${summary.flags.join(', ')}` : '';
    print(
      options.json
        ? JSON.stringify(summary)
        : `pancreas ${summary.volumeMl.toFixed(1)} ml, model ${name}${notice ? ` (${notice})` : ''}${flags}`,
    );
  } finally {
    progress.stop();
  }
}

interface ProcessOptions {
  study: string;
  series?: string;
  class?: SegmentedClass;
  config?: string;
}

export async function processStudy(options: ProcessOptions): Promise<void> {
  const config = loadConfig({ file: options.config });
  if (config.archive.kind === 'embedded') {
    throw new ConfigError(
      'process: archive.kind is embedded; name the archive to fetch from (archive.kind, archive.url)',
    );
  }
  const logger = createLogger(config);
  const database = await openDatabase({ folder: config.database.folder });
  const progress = createProgressDisplay();
  try {
    const warn = (fields: object, message: string) => logger.warn(fields, message);
    const run = await composeRun(
      config,
      { archive: composeArchiveClient(config), database, warn },
      progress.listener,
    );
    const job = { studyInstanceUid: options.study, requestId: randomUUID() };
    const forced = options.series ? { seriesInstanceUid: options.series, class: options.class } : undefined;
    const { decisions, volumes } = await runStudy(job, run, undefined, forced);
    for (const { chosen, description, reason } of decisions) {
      print(`${chosen ? 'taken' : 'left'}: "${description}": ${reason}`);
    }
    for (const { class: modality, volumeMl } of volumes)
      print(`pancreas ${volumeMl.toFixed(1)} ml (${modality})`);
  } finally {
    progress.stop();
    await database.close();
  }
}

export async function listModelFolders(options: { json?: true; config?: string }): Promise<void> {
  const { folder } = loadConfig({ file: options.config }).models;
  const listed = (await listModels(folder)).map(({ folder: path, model, error }) => ({
    folder: path,
    ...(model
      ? {
          name: model.info.name,
          modality: model.info.modality,
          version: model.info.version,
          title: model.info.title,
          notice: model.info.notice ?? null,
          sha256: model.sha256,
        }
      : { error: error.message }),
  }));
  if (options.json) return print(JSON.stringify(listed));
  if (listed.length === 0) return print(`no models in ${folder}`);
  for (const model of listed) {
    print(
      'name' in model
        ? `${model.name}  ${model.modality}  ${model.version}  ${model.title}${model.notice ? `  (${model.notice})` : ''}`
        : `${model.folder}  cannot be used: ${model.error}`,
    );
  }
}

export function checkConfig(file: string): void {
  print(stringify(masked(loadConfig({ file }))));
}
