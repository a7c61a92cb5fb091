import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type PansegnetNode, startNode } from '../compose.ts';
import { loadConfig } from '../config.ts';
import { DEMO_MODEL_NAMES, importDemoModels } from '../demo/demo-models.ts';
import { type DemoResult, runDemo as processSyntheticStudies } from '../demo/run-demo.ts';
import { syntheticStudies } from '../demo/studies.ts';
import { fetchOhif } from '../demo/viewer/fetch-ohif.ts';
import { OHIF_VIEWER_PATH, ohifRoutes } from '../demo/viewer/ohif-routes.ts';
import { createProgressDisplay } from './progress.ts';
import { stopSignal } from './stop-signal.ts';

interface DemoOptions {
  once?: true;
  output?: string;
  port: number;
  viewer?: true;
}

/**
 * Where the demo's models are, imported when the demo first runs: in the checkout; beside an installed program, whose own
 * folder may be read-only, in the folder that it runs in.
 */
const MODELS = import.meta.filename.endsWith('.ts')
  ? path.resolve(import.meta.dirname, '../../models')
  : path.resolve('models');

/** Everything embedded, on a folder that is removed at the end. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pansegnet-demo-'));
  const progress = createProgressDisplay();
  let node: PansegnetNode | undefined;
  try {
    await importDemoModels(MODELS, { onImport: (name) => progress.line(`Importing the model ${name}`) });
    if (options.viewer) progress.line('Fetching the OHIF viewer, once');
    const viewer = options.viewer ? { viewer: ohifRoutes(await fetchOhif()) } : {};
    node = await startNode(demoConfig(folder, options), { onProgress: progress.listener, ...viewer });
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
