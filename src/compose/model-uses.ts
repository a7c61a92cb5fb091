import type { ModelUse } from '../http/api/model-answers.ts';
import type { ModelNames } from '../pipeline/run/models.ts';
import type { Sql } from '../store/database/sql.ts';
import { latestPromotions, namesInUse } from '../store/records/promotions.ts';

const CLASSES = ['CT', 'T1W', 'T2W'] as const;

/** Which model is in use for each kind of images, and why. */
export async function modelUses(
  configured: ModelNames,
  candidates: ModelNames,
  database: Sql,
): Promise<ModelUse[]> {
  const promotions = await latestPromotions(database);
  const names = namesInUse(configured, promotions);
  return CLASSES.map((name) => {
    const promotion = promotions.get(name);
    return {
      class: name,
      inUse: names[name],
      configured: configured[name],
      candidate: candidates[name],
      promotion: promotion
        ? {
            model: promotion.modelName,
            version: promotion.modelVersion,
            sha256: promotion.modelSha256,
            former: promotion.former ?? null,
            by: promotion.promotedBy,
            because: promotion.because ?? null,
            at: promotion.promotedAt.toISOString(),
            overruledAt: promotion.overruledAt?.toISOString() ?? null,
            overruledBy: promotion.overruledBy ?? null,
          }
        : null,
    };
  });
}
