import { messageOf } from '../coded-error.ts';
import type { Config } from '../config.ts';
import { configuredModels, type LoadedModels, MODALITY_OF, type ModelNames } from '../pipeline/run/models.ts';
import type { Models } from '../pipeline/run/run-parts.ts';
import { SEGMENTED_CLASSES } from '../pipeline/selection/rules.ts';
import type { Database, Sql } from '../store/database/sql.ts';
import {
  latestPromotions,
  namesInUse,
  overrulePromotion,
  promotedHash,
} from '../store/records/promotions.ts';

export const configuredNames = ({ models: { CT, T1W, T2W } }: Config): ModelNames => ({ CT, T1W, T2W });

/** The models in use: what the configuration names, and what was promoted since. */
export interface ModelsInUse {
  /** What they were at the last look. */
  readonly names: () => ModelNames;
  /** The same, loaded. */
  readonly models: Models;
  /** Looks for promotions; gives the models as they are now, which stay so. */
  readonly refresh: () => Promise<Models>;
  readonly loaded: LoadedModels;
}

export async function modelsInUse(config: Config, database: Sql): Promise<ModelsInUse> {
  const { folder } = config.models;
  const configured = configuredNames(config);
  const loaded: LoadedModels = new Map();
  let promotions = await latestPromotions(database);
  const names = (): ModelNames => namesInUse(configured, promotions);
  return {
    names,
    models: configuredModels(names, folder, loaded, (ofClass) => promotedHash(promotions, ofClass)),
    refresh: async () => {
      const now = await latestPromotions(database);
      promotions = now;
      return configuredModels(names(), folder, loaded, (ofClass) => promotedHash(now, ofClass));
    },
    loaded,
  };
}

/**
 * Says of each model that was promoted whether its folder still holds it; studies fail where it does not.
 * Models of whom nobody said which one it is are whatever their folder holds.
 */
export async function checkPromotedModels(
  { models }: Pick<ModelsInUse, 'models'>,
  { database, warn }: { database: Sql; warn: (fields: object, message: string) => void },
): Promise<void> {
  const promotions = await latestPromotions(database);
  for (const seriesClass of SEGMENTED_CLASSES) {
    const ofClass = MODALITY_OF[seriesClass];
    if (promotedHash(promotions, ofClass) === undefined) continue;
    await models.load(seriesClass).catch((error: unknown) => {
      warn({ class: ofClass, reason: messageOf(error) }, 'the model that was promoted cannot be used');
    });
  }
}

/**
 * When a node starts, a model that the configuration names takes the place of another that was promoted, in
 * all processes on this database.
 */
export async function heedConfiguredModels(
  config: Config,
  database: Database,
  { now, warn }: { now: () => Date; warn: (fields: object, message: string) => void },
): Promise<void> {
  const promotions = await latestPromotions(database);
  for (const [ofClass, configured] of Object.entries(configuredNames(config))) {
    const promotion = promotions.get(ofClass);
    if (configured === null || !promotion || promotion.overruledAt) continue;
    if (configured === promotion.modelName) continue;
    await overrulePromotion(database, { class: ofClass, configured, now: now() });
    warn(
      { class: ofClass, promoted: promotion.modelName, configured },
      `models.${ofClass} of the configuration takes the place of the model that was promoted`,
    );
  }
}
