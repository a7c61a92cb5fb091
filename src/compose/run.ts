import type { Config } from '../config.ts';
import type { Mode } from '../inference-mode.ts';
import { configuredModels } from '../pipeline/run/models.ts';
import type { ResultSettings, RunParts } from '../pipeline/run/run-parts.ts';
import { readSelectionRules } from '../pipeline/selection/rules.ts';
import type { InferenceOptions } from '../segmentation/segment.ts';
import type { Database } from '../store/database/sql.ts';
import { latestMode } from '../store/records/history.ts';
import { patientKeys } from '../store/records/patient-key.ts';
import { headerRecorder } from '../store/records/study-header.ts';
import { identityReader } from '../store/records/study-identity.ts';
import { SOFTWARE_VERSION } from '../version.ts';

export function resultSettings(config: Config): ResultSettings {
  const { contentQualification, segmentation, reportOutlines, repeatabilityPercent, counts, keyImages, pdf } =
    config.results;
  return {
    contentQualification,
    segmentation: [segmentation].flat(),
    reportOutlines,
    correctedCounts: counts === 'reader',
    repeatabilityPercent,
    pictures: { keyImages, pdf },
    softwareVersion: SOFTWARE_VERSION,
  };
}

export function inferenceOptions(
  { inference: { threads, executionProviders } }: Config,
  onWarning: (message: string) => void,
): InferenceOptions {
  return { threads: threads || undefined, executionProviders, onWarning };
}

/** A history goes on in the mode that it is in. */
async function modeOf({ inference: { mode } }: Config, database: Database): Promise<Mode> {
  return mode === 'auto' ? ((await latestMode(database)) ?? 'fast') : mode;
}

/** What the main path needs, from the configuration. */
export async function composeRun(
  config: Config,
  parts: Pick<RunParts, 'archive' | 'database' | 'warn'> & Partial<RunParts>,
): Promise<RunParts> {
  const { placeholderIds } = config.patients;
  return {
    rules: readSelectionRules(config.selection.rules, config.selection.siteRules),
    models: configuredModels(config.models, config.models.folder),
    patientKey: await patientKeys(parts.database, placeholderIds),
    identities: await identityReader(parts.database, placeholderIds),
    recordHeader: await headerRecorder(parts.database, { names: config.pages.patientNames, placeholderIds }),
    settings: resultSettings(config),
    inference: inferenceOptions(config, (message) => parts.warn({}, message)),
    mode: await modeOf(config, parts.database),
    stageLimits: config.queue.stageTimeoutMinutes,
    now: () => new Date(),
    ...parts,
  };
}
