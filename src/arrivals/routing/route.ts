import type { AnnouncementSource } from '../../store/arrivals/announcements.ts';
import { endOf, isWithin } from './hours.ts';
import type { RoutingRule } from './rules.ts';

/** What becomes of a study, and why in plain words. */
export type Admission =
  | { readonly action: 'process' }
  | { readonly action: 'ignore'; readonly reason: string }
  | { readonly action: 'later'; readonly until: Date; readonly reason: string };

/** What rules can ask of a study. */
export interface RoutingFacts {
  readonly source: AnnouncementSource;
  readonly modalities: readonly string[];
  /** Full years; undefined where the study does not say. */
  readonly ageYears: number | undefined;
  readonly stationName: string | undefined;
  readonly institution: string | undefined;
}

/** Whether what a rule asks can be told from the announcement and the list of series alone. */
export const needsImage = ({ when }: RoutingRule): boolean =>
  [when.minimumAgeYears, when.maximumAgeYears, when.stationName, when.institution].some(
    (condition) => condition !== undefined,
  );

/** What the rules, in their order, say of a study at a time. */
export function route(rules: readonly RoutingRule[], facts: RoutingFacts, now: Date): Admission {
  const index = rules.findIndex((rule) => meets(rule, facts, now));
  const rule = rules[index];
  if (!rule || rule.action === 'process') return { action: 'process' };
  const which = `routing rule ${rule.name ? `"${rule.name}"` : index + 1}`;
  if (rule.action === 'ignore') return { action: 'ignore', reason: `${which}: not to be processed` };
  if (!rule.when.hours) throw new Error(`${which} has no hours`); // the schema refuses such a rule
  const until = endOf(rule.when.hours, now);
  return { action: 'later', until, reason: `${which}: waits until ${until.toISOString()}` };
}

function meets({ when }: RoutingRule, facts: RoutingFacts, now: Date): boolean {
  const { ageYears, source } = facts;
  const isOf = (wanted: readonly string[] | undefined, found: string | undefined): boolean =>
    wanted === undefined || (found !== undefined && wanted.includes(found));
  return (
    isOf(when.source, source.kind) &&
    isOf(when.callingAeTitle, source.callingAeTitle?.trim()) &&
    isOf(when.stationName, facts.stationName) &&
    isOf(when.institution, facts.institution) &&
    (when.modality === undefined || facts.modalities.some((modality) => isOf(when.modality, modality))) &&
    (when.minimumAgeYears === undefined || (ageYears !== undefined && ageYears >= when.minimumAgeYears)) &&
    (when.maximumAgeYears === undefined || (ageYears !== undefined && ageYears <= when.maximumAgeYears)) &&
    (when.hours === undefined || isWithin(when.hours, now))
  );
}
