import type { Config } from '../config.ts';
import type { Mode } from '../inference-mode.ts';
import { candidateNotes } from '../pipeline/candidate/note-candidate.ts';
import type { ResultSettings, RunParts } from '../pipeline/run/run-parts.ts';
import { readSelectionRules } from '../pipeline/selection/rules.ts';
import type { SiteIdentity } from '../results/device.ts';
import type { MeaningSettings } from '../results/meaning.ts';
import type { InferenceOptions } from '../segmentation/segment.ts';
import type { Database, Sql } from '../store/database/sql.ts';
import { deviceSerial } from '../store/records/device-serial.ts';
import { latestMode } from '../store/records/history.ts';
import { patientKeys } from '../store/records/patient-key.ts';
import { headerRecorder } from '../store/records/study-header.ts';
import { identityReader } from '../store/records/study-identity.ts';
import { trackingUids } from '../store/records/tracking-uid.ts';
import { SOFTWARE_VERSION } from '../version.ts';
import { modelsInUse } from './models.ts';

export function resultSettings(config: Config): ResultSettings {
  const { contentQualification, segmentation, reportOutlines, repeatabilityPercent, counts, keyImages, pdf } =
    config.results;
  const { reportClass, nothingFound, reportTemplates: templates, volumeUnit } = config.results;
  return {
    site: siteIdentity(config),
    reportForm: { reportClass, nothingFound, templates, volumeUnit },
    contentQualification,
    segmentation: [segmentation].flat(),
    reportOutlines,
    correctedCounts: counts === 'reader',
    repeatabilityPercent,
    pictures: { keyImages, pdf },
    meaning: meaningSettings(config),
    softwareVersion: SOFTWARE_VERSION,
  };
}

/** What the site wants said of what a volume means. */
export const meaningSettings = ({ results: { reference, perBodySize } }: Config): MeaningSettings => ({
  reference,
  perBodySize,
});

/** What the site states of itself. */
function siteIdentity({ site }: Config): SiteIdentity {
  const { institution, stationName, deviceSerialNumber } = site;
  return {
    institution: institution ?? undefined,
    stationName: stationName ?? undefined,
    deviceSerialNumber: deviceSerialNumber ?? undefined,
  };
}

/** With a serial number of this installation's own where the site has stated none. */
export async function installedSite(config: Config, database: Database): Promise<SiteIdentity> {
  const stated = siteIdentity(config);
  return { ...stated, deviceSerialNumber: stated.deviceSerialNumber ?? (await deviceSerial(database)) };
}

export function inferenceOptions(
  { inference: { threads, executionProviders } }: Config,
  onWarning: (message: string) => void,
): InferenceOptions {
  return { threads: threads || undefined, executionProviders, onWarning: eachOnce(onWarning) };
}

/** A missing GPU is missing at every study: it is said once. */
function eachOnce(tell: (message: string) => void): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    if (told.has(message)) return;
    told.add(message);
    tell(message);
  };
}

/** A history goes on in the mode that it is in. */
export async function modeOf(config: Config, database: Sql): Promise<Mode> {
  const { mode } = config.inference;
  return (mode === 'auto' ? await latestMode(database) : undefined) ?? modeOfNewSite(config);
}

export const modeOfNewSite = ({ inference: { mode } }: Config): Mode => (mode === 'auto' ? 'fast' : mode);

/** What the main path needs, from the configuration. */
export async function composeRun(
  config: Config,
  parts: Pick<RunParts, 'archive' | 'database' | 'warn'> & Partial<RunParts>,
): Promise<RunParts> {
  const { placeholderIds } = config.patients;
  const { database } = parts;
  const patientKey = await patientKeys(database, placeholderIds);
  return {
    rules: readSelectionRules(config.selection.rules, config.selection.siteRules),
    models: (await modelsInUse(config, database)).models,
    patientKey,
    trackingUid: await trackingUids(database, patientKey, placeholderIds, config.site.trackingSecret),
    identities: await identityReader(database, placeholderIds),
    recordHeader: await headerRecorder(database, { names: config.pages.patientNames, placeholderIds }),
    settings: { ...resultSettings(config), site: await installedSite(config, database) },
    inference: inferenceOptions(config, (message) => parts.warn({}, message)),
    mode: await modeOf(config, database),
    looks: config.selection.looks,
    stageLimits: config.queue.stageTimeoutMinutes,
    recorded: candidateNotes(database, config.models.candidates, () => new Date()),
    now: () => new Date(),
    ...parts,
  };
}
