import { isAsLoaded, loadModel, type Model } from '../../segmentation/model/model-folder.ts';
import type { ModelInfo } from '../../segmentation/model/model-info.ts';
import { SegmentationError } from '../../segmentation/segmentation-error.ts';
import { SEGMENTED_CLASSES, type SegmentedClass } from '../selection/rules.ts';
import type { Models } from './run-parts.ts';

/** What the configuration and model.json call the images of a class. */
export const MODALITY_OF: Readonly<Record<SegmentedClass, ModelInfo['modality']>> = {
  CT_ABDOMEN: 'CT',
  T1W: 'T1W',
  T2W: 'T2W',
};

/** The name of the model of each kind of images; null: there is none. */
export type ModelNames = Readonly<Record<ModelInfo['modality'], string | null>>;

/** Models that were loaded, by name and what they are for. */
export type LoadedModels = Map<string, Promise<Model>>;

/**
 * The models of these names, each loaded and checked at its first use, and again when a file of it has
 * changed since.
 * @param names what they are at any time, where they may change
 * @param loaded shared by those who use the same folder
 * @param promoted sha256 of the model that somebody promoted for a class: no other of its name is used
 */
export function configuredModels(
  names: ModelNames | (() => ModelNames),
  folder: string,
  loaded: LoadedModels = new Map(),
  promoted: (modality: ModelInfo['modality']) => string | undefined = () => undefined,
): Models {
  const nameOf = (modality: ModelInfo['modality']) =>
    (typeof names === 'function' ? names() : names)[modality];
  const named = async (modality: ModelInfo['modality'], name: string): Promise<Model> => {
    const key = `${modality} ${name}`;
    const known = loaded.get(key);
    const isGood = known && (await known.then(isAsLoaded, () => false));
    const model = isGood ? known : loadFor(modality, name, folder);
    loaded.set(key, model);
    // A model that could not be loaded may have been put right by the next study.
    return model.catch((error: unknown) => {
      loaded.delete(key);
      throw error;
    });
  };
  return {
    has: (seriesClass) => nameOf(MODALITY_OF[seriesClass]) !== null,
    load: async (seriesClass) => {
      const modality = MODALITY_OF[seriesClass];
      const name = nameOf(modality);
      if (name === null) throw new SegmentationError('MODEL_MISSING', `models.${modality} names no model`);
      const model = await named(modality, name);
      const sha256 = promoted(modality);
      if (sha256 === undefined || sha256 === model.sha256) return model;
      throw exchanged(name, model.sha256, `promoted for ${modality}`, sha256, `models promote ${name}`);
    },
    former: async (seriesClass, { name, version, sha256 }) => {
      const model = await named(MODALITY_OF[seriesClass], name).catch(() => undefined);
      return model?.info.version === version && model.sha256 === sha256 ? model : undefined;
    },
  };
}

/**
 * @param what what the other model of that name was chosen for
 * @param todo the command that chooses the one that is there
 */
export const exchanged = (
  name: string,
  found: string,
  what: string,
  chosen: string,
  todo: string,
): SegmentationError =>
  new SegmentationError(
    'MODEL_CHANGED',
    `the folder of ${name} holds another model (sha256 ${found}) than the one that was ${what} ` +
      `(sha256 ${chosen}): put that one back, or run \`${todo}\` to use this one`,
  );

/** The hashes of the models that measure new studies; models that do not load are left out. */
export async function modelsInUse(models: Models): Promise<ReadonlySet<string>> {
  const hashes = new Set<string>();
  for (const seriesClass of SEGMENTED_CLASSES) {
    if (!models.has(seriesClass)) continue;
    const model = await models.load(seriesClass).catch(() => undefined);
    if (model) hashes.add(model.sha256);
  }
  return hashes;
}

/**
 * What must be said of each model wherever its results are shown, by its hash; models that do not load are
 * left out.
 */
export async function modelNotices(models: Models): Promise<ReadonlyMap<string, string>> {
  const notices = new Map<string, string>();
  for (const seriesClass of SEGMENTED_CLASSES) {
    if (!models.has(seriesClass)) continue;
    const model = await models.load(seriesClass).catch(() => undefined);
    if (model?.info.notice) notices.set(model.sha256, model.info.notice);
  }
  return notices;
}

async function loadFor(modality: ModelInfo['modality'], name: string, folder: string): Promise<Model> {
  const model = await loadModel(name, [folder]);
  if (model.info.modality === modality) return model;
  const message = `models.${modality} names ${name}, which is a model for ${model.info.modality}`;
  throw new SegmentationError('MODEL_INVALID', message);
}
