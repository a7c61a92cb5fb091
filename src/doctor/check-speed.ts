import type { Mode } from '../inference-mode.ts';
import { expectedMinutes } from '../segmentation/expected-time.ts';
import { loadModel } from '../segmentation/model/model-folder.ts';
import type { Speed } from '../store/records/speeds.ts';
import { type Finding, ok, trouble } from './finding.ts';

const CHECK = 'speed';

export interface SpeedUnderTest {
  readonly modelFolder: string;
  /** Of the configured models. */
  readonly models: readonly string[];
  readonly mode: Mode;
  /** `queue.stageTimeoutMinutes.segment`. */
  readonly limitMinutes: number;
  /** What was measured on this machine; undefined where nothing was. */
  readonly speedOf: (modelSha256: string) => Promise<Speed | undefined>;
}

/** Whether a large abdomen is segmented within its limit here; nothing of models that were not measured. */
export async function checkSpeed({ modelFolder, models, ...site }: SpeedUnderTest): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const name of new Set(models)) {
    const model = await loadModel(name, [modelFolder]).catch(() => undefined);
    const speed = model && (await site.speedOf(model.sha256));
    if (!speed) continue;
    const { secondsPerWindow } = speed;
    const minutes = expectedMinutes(model.info, model.networks.length, site.mode, secondsPerWindow);
    findings.push(judgeSpeed(name, { ...site, secondsPerWindow, minutes }));
  }
  return findings;
}

/** @param minutes that a large abdomen takes */
export function judgeSpeed(
  name: string,
  {
    mode,
    limitMinutes,
    secondsPerWindow,
    minutes,
  }: Pick<SpeedUnderTest, 'mode' | 'limitMinutes'> & {
    readonly secondsPerWindow: number;
    readonly minutes: number;
  },
): Finding {
  const takes = minutes < 1 ? 'less than a minute' : `about ${Math.ceil(minutes)} minutes`;
  const what =
    `${name} takes ${takes} for a large abdomen on this machine ` +
    `(${secondsPerWindow.toFixed(2)} s per window, mode ${mode}); ` +
    `queue.stageTimeoutMinutes.segment is ${limitMinutes}`;
  if (minutes <= limitMinutes) return ok(CHECK, what);
  return trouble(
    CHECK,
    'warning',
    what,
    'Such studies are cut off (STAGE_TOO_SLOW), tried once more, and given up.',
    `Set queue.stageTimeoutMinutes.segment to ${Math.ceil(2 * minutes)} or more and ` +
      'queue.studyTimeoutMinutes to more than that, ' +
      'choose a faster inference.mode, or give it more cores.',
  );
}
