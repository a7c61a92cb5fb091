import type { Config } from '../config.ts';
import { configuredModels, type LoadedModels, type ModelNames } from '../pipeline/run/models.ts';
import type { Models } from '../pipeline/run/run-parts.ts';
import type { Database, Sql } from '../store/database/sql.ts';
import { latestPromotions, namesInUse, overrulePromotion } from '../store/records/promotions.ts';

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
  const look = async (): Promise<ModelNames> => namesInUse(configured, await latestPromotions(database));
  const loaded: LoadedModels = new Map();
  let names = await look();
  return {
    names: () => names,
    models: configuredModels(() => names, folder, loaded),
    refresh: async () => {
      names = await look();
      return configuredModels(names, folder, loaded);
    },
    loaded,
  };
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
