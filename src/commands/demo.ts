import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { type PansegnetNode, startNode } from '../compose.ts';
import { loadConfig } from '../config.ts';
import { DEMO_MODEL_NAMES, importDemoModels } from '../demo/demo-models.ts';
import { type DemoResult, runDemo as processSyntheticStudies } from '../demo/run-demo.ts';
import { syntheticStudies } from '../demo/studies.ts';
import { fetchOhif } from '../demo/viewer/fetch-ohif.ts';
import { OHIF_VIEWER_PATH, ohifRoutes } from '../demo/viewer/ohif-routes.ts';
import { defineCommand, type LocalParts } from './definition/command.ts';
import { flag, option, optionalText } from './definition/field.ts';
import { commandRoutes } from './running/command-routes.ts';
import { createProgressDisplay } from './terminal/progress.ts';
import { stopSignal } from './terminal/stop-signal.ts';

const demoOptions = z.strictObject({
  once: flag('--once', 'stop when they are processed'),
  output: option('--output <dir>', 'copy SEG and SR of each study to this folder', optionalText),
  viewer: flag('--viewer', 'serve the OHIF viewer too, fetched from the npm registry once'),
  port: option('--port <n>', 'where the pages are', z.coerce.number().int().min(0).max(65_535).default(8080)),
});
type DemoOptions = z.output<typeof demoOptions>;

/**
 * Where the demo's models are, imported when the demo first runs: in the checkout; beside an installed
 * program, whose own folder may be read-only, in the folder that it runs in.
 */
const MODELS = import.meta.filename.endsWith('.ts')
  ? path.resolve(import.meta.dirname, '../../models')
  : path.resolve('models');

export const demo = defineCommand({
  name: 'demo',
  help: 'start everything embedded, send in synthetic patients and process them',
  runs: 'here',
  takesConfig: false,
  options: demoOptions,
  run: runDemo,
});

/** Everything embedded, on a folder that is removed at the end. */
async function runDemo(options: DemoOptions, { everyCommand }: LocalParts): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pansegnet-demo-'));
  const progress = createProgressDisplay();
  let node: PansegnetNode | undefined;
  try {
    await importDemoModels(MODELS, { onImport: (name) => progress.line(`Importing the model ${name}`) });
    if (options.viewer) progress.line('Fetching the OHIF viewer, once');
    const viewer = options.viewer ? { viewer: ohifRoutes(await fetchOhif()) } : {};
    node = await startNode(demoConfig(folder, options), {
      commandRoutes: (parts) => commandRoutes(everyCommand, parts),
      onProgress: progress.listener,
      ...viewer,
    });
    progress.line(`The node is running: ${node.url}`);
    for await (const result of processSyntheticStudies(node, options.output))
      progress.result(describe(result));
    progress.line(
      'All studies have their SEG and their report in the archive. Synthetic demo, not for patients.',
    );
    progress.stop();
    if (options.once) return;
    process.stdout.write(await closingLines(node));
    await stopSignal();
  } finally {
    progress.stop();
    await node?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Where to look now. */
async function closingLines(node: PansegnetNode): Promise<string> {
  const [, second] = syntheticStudies();
  const study = second?.studyInstanceUid ?? '';
  const patient = (await node.studyDetails(study))?.volumes[0]?.patientKey;
  return [
    `All studies:                     ${node.url}/?when=all`,
    `A study, outlined in its images: ${node.url}/studies/${study}`,
    `A patient's volume over time:    ${node.url}/patients/${patient}`,
    'Ctrl-C ends the demo.\n',
  ].join('\n');
}

function demoConfig(folder: string, { once, port, viewer }: DemoOptions) {
  return loadConfig({
    environment: {},
    overrides: {
      archive: { kind: 'embedded', folder: path.join(folder, 'archive') },
      database: { folder: path.join(folder, 'database') },
      audit: { folder: path.join(folder, 'audit') },
      watch: { schedule: '* * * * * *', lookBack: 'all', stableForSeconds: 1 },
      models: { folder: MODELS, ...DEMO_MODEL_NAMES },
      http: { port: once ? 0 : port },
      pages: { viewerUrl: viewer ? OHIF_VIEWER_PATH : null },
      log: { level: 'warn' },
    },
  });
}

function describe({ study, series, volumeMl, trueVolumeMl, dice, changePercent }: DemoResult): string {
  const change =
    changePercent === undefined
      ? ''
      : `, ${changePercent > 0 ? '+' : ''}${changePercent.toFixed(1)} % since the first`;
  const volumes = `pancreas ${volumeMl.toFixed(1)} ml (true: ${trueVolumeMl.toFixed(1)} ml)`;
  return `${study}, ${series}: ${volumes}, Dice ${dice.toFixed(3)}${change}`;
}
