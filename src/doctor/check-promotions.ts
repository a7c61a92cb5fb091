import { type Finding, trouble } from './finding.ts';

/** Which model is in use for a kind of images, as far as somebody promoted one. */
export interface PromotedModel {
  readonly class: string;
  readonly configured: string | null;
  readonly promotion: {
    readonly model: string;
    readonly by: string;
    readonly at: string;
    readonly overruledAt: string | null;
    readonly sha256: string;
  } | null;
}

/**
 * Where somebody promoted a model, and the configuration names another: it wins when a node starts. Where the
 * folder of the promoted model holds another by now.
 * @param hashes of the models that are there, by the name of their folder
 */
export function checkPromotions(
  models: readonly PromotedModel[],
  hashes: ReadonlyMap<string, string> = new Map(),
): Finding[] {
  return models.flatMap(({ class: ofClass, configured, promotion }) => {
    if (!promotion) return [];
    const found = hashes.get(promotion.model);
    if (promotion.overruledAt === null && found !== undefined && found !== promotion.sha256) {
      const { model } = promotion;
      return [
        trouble(
          `model for ${ofClass}`,
          'problem',
          `the folder of ${model} holds another model than the one that was promoted`,
          'Series of that kind fail: nobody has said that this one is to be used.',
          `Put the promoted one back, or use this one: models promote ${model}.`,
        ),
      ];
    }
    if (configured === null || configured === promotion.model) return [];
    const { model, by, at, overruledAt } = promotion;
    const promoted = `${model} was promoted on ${at.slice(0, 10)} by ${by}`;
    const what = `${promoted}, and the configuration names ${configured} at models.${ofClass}`;
    const why =
      overruledAt === null
        ? `When a node starts, ${configured} is in use again, and trends go on with that.`
        : `${configured} is in use again since a node started on ${overruledAt.slice(0, 10)}.`;
    const todo = `Name ${model} at models.${ofClass}; or promote ${configured}, if it is to stay.`;
    return [trouble(`model for ${ofClass}`, 'warning', what, why, todo)];
  });
}
