import { resultSettings } from '../compose.ts';
import { loadConfig } from '../config.ts';
import { segmentFolder } from '../pipeline/folder/segment-folder.ts';
import { readSelectionRules } from '../pipeline/selection/rules.ts';
import { loadModel } from '../segmentation/model/model-folder.ts';
import { print } from './print.ts';
import { createProgressDisplay } from './progress.ts';

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
