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
  } | null;
}

/** Where somebody promoted a model, and the configuration names another: it wins when a node starts. */
export function checkPromotions(models: readonly PromotedModel[]): Finding[] {
  return models.flatMap(({ class: ofClass, configured, promotion }) => {
    if (!promotion || configured === null || configured === promotion.model) return [];
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
