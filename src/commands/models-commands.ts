import path from 'node:path';
import { inferenceOptions } from '../compose/run.ts';
import { loadConfig } from '../config.ts';
import { importModel } from '../model-import/import-model.ts';
import { listModels, loadModel } from '../segmentation/model/model-folder.ts';
import { type VerifiedNetwork, verifyModel } from '../segmentation/verify-model.ts';
import { print } from './print.ts';
import { createProgressDisplay } from './progress.ts';

export async function listModelFolders(options: { json?: true; config?: string }): Promise<void> {
  const { folder } = loadConfig({ file: options.config }).models;
  const listed = (await listModels(folder)).map(({ folder: at, model, error }) => ({
    folder: at,
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

interface ImportOptions {
  name: string;
  modality: 'CT' | 'T1W' | 'T2W';
  output?: string;
  orientation?: string;
  replace?: true;
  json?: true;
  config?: string;
}

/** Ctrl-C ends it with nothing left behind. */
export async function importModelFolder(source: string, options: ImportOptions): Promise<void> {
  const { name, modality, replace = false, orientation } = options;
  const { folder } = loadConfig({ file: options.config }).models;
  const interruption = new AbortController();
  const interrupt = () =>
    interruption.abort(new DOMException('interrupted; nothing was imported', 'AbortError'));
  process.once('SIGINT', interrupt);
  const progress = createProgressDisplay();
  try {
    const model = await importModel({
      source,
      name,
      modality,
      output: options.output ?? path.join(folder, name),
      replace,
      ...(orientation === undefined ? {} : { orientation }),
      onProgress: progress.listener,
      onNote: (note) => progress.line(`note: ${note}`),
      signal: interruption.signal,
    });
    progress.result(
      options.json
        ? JSON.stringify({ ...model.info, folder: model.folder, sha256: model.sha256 })
        : `${model.info.title}, version ${model.info.version}, ${model.networks.length} fold(s): ${model.folder}`,
    );
  } finally {
    progress.stop();
    process.off('SIGINT', interrupt);
  }
}

interface VerifyOptions {
  json?: true;
  config?: string;
}

const MIB_PER_KIB = 1 / 1024;

/** Ends with 1 where a self-test fails. */
export async function verifyModelFolder(nameOrFolder: string, options: VerifyOptions): Promise<void> {
  const config = loadConfig({ file: options.config });
  const progress = createProgressDisplay();
  try {
    progress.line(`Checking the files of ${nameOrFolder}`);
    const model = await loadModel(nameOrFolder, [config.models.folder]);
    const networks: VerifiedNetwork[] = [];
    const warn = (message: string) => progress.line(`warning: ${message}`);
    for await (const network of verifyModel(model, inferenceOptions(config, warn))) {
      networks.push(network);
      if (!options.json) progress.result(describeNetworkCheck(network));
    }
    const maxRssMiB = Math.round(process.resourceUsage().maxRSS * MIB_PER_KIB);
    const { name, version, title } = model.info;
    const passed = networks.every(({ selfTest }) => selfTest?.passed !== false);
    const verdict = passed ? 'can be used' : 'must not be used: import it again, or run it on the cpu';
    progress.result(
      options.json
        ? JSON.stringify({ name, version, sha256: model.sha256, passed, maxRssMiB, networks })
        : `${title}, version ${version}: ${verdict}; ${maxRssMiB} MiB of memory at most`,
    );
    if (!passed) process.exitCode = 1;
  } finally {
    progress.stop();
  }
}

function describeNetworkCheck({ selfTest, ...network }: VerifiedNetwork): string {
  const test = selfTest
    ? `self-test ${selfTest.passed ? 'passed' : 'FAILED'}, off by ${percent(selfTest.largestDifference)} of the logits' spread` +
      ` (${percent(selfTest.tolerance)} allowed)`
    : 'no self-test stored';
  return (
    `${network.file}: hash right, on ${network.executionProvider}, loaded in ${network.secondsToLoad.toFixed(1)} s, ` +
    `${network.secondsPerWindow.toFixed(2)} s per window, ${test}`
  );
}

const percent = (share: number): string => `${(100 * share).toPrecision(2)} %`;
