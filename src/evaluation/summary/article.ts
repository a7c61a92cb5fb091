import type { Modality } from './rows.ts';

/** What the article reports, as the line to reach. */
export interface ArticleFigures {
  /** Mean and SD over cases, in percent. */
  readonly dicePercent: { readonly mean: number; readonly sd: number };
  /** Of predicted and labelled volumes; the article does not say which R2 it is. */
  readonly rSquared: number;
  /** Cohen's kappa between raters. */
  readonly kappaBetweenRaters: number | null;
}

export const ARTICLE =
  'Z. Zhang et al., Large-scale multi-center CT and MRI segmentation of pancreas with deep learning, ' +
  'Medical Image Analysis 99 (2025) 103382';

export const ARTICLE_FIGURES: Readonly<Record<Modality, ArticleFigures>> = {
  CT: { dicePercent: { mean: 88.3, sd: 7.2 }, rSquared: 0.91, kappaBetweenRaters: null },
  T1W: { dicePercent: { mean: 85.0, sd: 7.9 }, rSquared: 0.84, kappaBetweenRaters: 0.624 },
  T2W: { dicePercent: { mean: 86.3, sd: 6.4 }, rSquared: 0.85, kappaBetweenRaters: 0.638 },
};
