import { z } from 'zod';
import { columnsOf, orUndefined, rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';

/** That somebody made a model the one in use for its class. */
const promotionRow = z.object({
  /** CT, T1W or T2W. */
  class: z.string(),
  modelName: z.string(),
  modelVersion: z.string(),
  modelSha256: z.string(),
  /** Which model was in use before; undefined: none. */
  former: orUndefined(z.string()),
  promotedBy: z.string(),
  /** In the words of who promoted it. */
  because: orUndefined(z.string()),
  promotedAt: z.date(),
  /** When a start found that the configuration names another one, which is in use since; and which. */
  overruledAt: orUndefined(z.date()),
  overruledBy: orUndefined(z.string()),
});
export type Promotion = Readonly<z.output<typeof promotionRow>>;

export async function recordPromotion(
  sql: Sql,
  promotion: Omit<Promotion, 'overruledAt' | 'overruledBy'>,
): Promise<void> {
  await sql.query(
    `INSERT INTO pansegnet.promotion
       (class, model_name, model_version, model_sha256, former, promoted_by, because, promoted_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      promotion.class,
      promotion.modelName,
      promotion.modelVersion,
      promotion.modelSha256,
      promotion.former ?? null,
      promotion.promotedBy,
      promotion.because ?? null,
      promotion.promotedAt,
    ],
  );
}

/** The latest of each class, by the class. */
export async function latestPromotions(sql: Sql): Promise<ReadonlyMap<string, Promotion>> {
  const rows = await sql.query(
    `SELECT DISTINCT ON (class) ${columnsOf(promotionRow)} FROM pansegnet.promotion ORDER BY class, id DESC`,
  );
  return new Map(rowsOf(promotionRow, rows).map((one) => [one.class, one]));
}

/** The configuration names another model for a class: from now on that one is in use, in every process. */
export async function overrulePromotion(
  sql: Sql,
  { class: ofClass, configured, now }: { class: string; configured: string; now: Date },
): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.promotion SET overruled_at = $2, overruled_by = $3
     WHERE id = (SELECT max(id) FROM pansegnet.promotion WHERE class = $1) AND overruled_at IS NULL`,
    [ofClass, now, configured],
  );
}

/** The sha256 of the model that was promoted for a class; undefined where no promotion stands. */
export function promotedHash(
  promotions: ReadonlyMap<string, Promotion>,
  ofClass: string,
): string | undefined {
  const promotion = promotions.get(ofClass);
  return promotion && promotion.overruledAt === undefined ? promotion.modelSha256 : undefined;
}

/**
 * The model of each class: the one that was promoted last, unless the configuration overruled that; else the
 * one that the configuration names.
 */
export function namesInUse<Class extends string>(
  configured: Readonly<Record<Class, string | null>>,
  promotions: ReadonlyMap<string, Promotion>,
): Record<Class, string | null> {
  const names: Record<Class, string | null> = { ...configured };
  for (const name in names) {
    const promotion = promotions.get(name);
    if (promotion && promotion.overruledAt === undefined) names[name] = promotion.modelName;
  }
  return names;
}
