import { type Facts, numberOf } from './facts.ts';
import { sameAcquisition } from './one-acquisition.ts';
import { PHASES, type Phase, type PhaseTimes } from './rules.ts';

/** The phase of a series and how it is known, in words. */
export interface KnownPhase {
  readonly phase: Phase | 'unknown';
  readonly how: string;
}

interface Acquisition {
  readonly said: Phase | undefined;
  readonly time: number | undefined;
  readonly sinceInjection: number | undefined;
  readonly enhanced: boolean;
  /** An axial volume of its own; other series do not tell the order of the phases. */
  readonly counts: boolean;
}

const UNKNOWN: KnownPhase = { phase: 'unknown', how: 'neither words nor times tell' };

/**
 * The phase of each of the series that one class has in a study: by what is written, else by the time since
 * the injection, else by the order in which they were acquired. The first enhanced acquisition is arterial
 * and the next portal venous; one alone is portal venous, as most protocols with one phase are.
 */
export function phasesOf(series: readonly Facts[], times: PhaseTimes): KnownPhase[] {
  const all = series.map((facts) => acquisition(facts, times));
  const told = all.some(({ enhanced }) => enhanced);
  return all.map((one) => {
    if (one.said) return { phase: one.said, how: 'by its description' };
    if (one.time === undefined) return UNKNOWN;
    if (one.sinceInjection !== undefined) return byInjection(one.sinceInjection, times);
    return told
      ? byOrder({ ...one, time: one.time }, all, times)
      : withoutAgents({ ...one, time: one.time }, all, times);
  });
}

function acquisition(facts: Facts, times: PhaseTimes): Acquisition {
  const said = phaseSaid(facts);
  const time = numberOf(facts, 'acquisitionTime');
  const injection = numberOf(facts, 'injectionTime');
  const agent = typeof facts.contrastAgent === 'string' ? facts.contrastAgent : '';
  const given = agent !== '' && !new RegExp(times.notEnhancing, 'iu').test(agent);
  const after =
    time === undefined || injection === undefined ? undefined : (time % SECONDS_OF_DAY) - injection;
  return {
    said,
    time,
    sinceInjection: given && after !== undefined && after > 0 ? after : undefined,
    enhanced: said !== 'unenhanced' && (given || said !== undefined || saysAny(facts, 'enhanced')),
    counts: facts.orientation === 'axial' && (numberOf(facts, 'volumes') ?? 1) === 1,
  };
}

const SECONDS_OF_DAY = 86_400;

const saysAny = (facts: Facts, concept: string): boolean =>
  [facts.says, facts.protocolSays].some((said) => Array.isArray(said) && said.includes(concept));

/**
 * One phase by the description, else by the protocol. "Late" beside another phase (late arterial, 20 minutes
 * hepatobiliary) is that phase; a text that names two others tells nothing.
 */
function phaseSaid({ says, protocolSays }: Facts): Phase | undefined {
  for (const said of [says, protocolSays]) {
    const named = PHASES.filter((phase) => Array.isArray(said) && said.includes(phase));
    const phases = named.length > 1 ? named.filter((phase) => phase !== 'delayed') : named;
    if (phases.length > 0) return phases.length === 1 ? phases[0] : undefined;
  }
  return undefined;
}

function byInjection(seconds: number, times: PhaseTimes): KnownPhase {
  const how = `${Math.round(seconds)} s after the injection`;
  if (seconds < times.portalFrom) return { phase: 'arterial', how };
  if (seconds < times.delayedFrom) return { phase: 'portal', how };
  return { phase: seconds < times.hepatobiliaryFrom ? 'delayed' : 'hepatobiliary', how };
}

type Timed = Acquisition & { readonly time: number };

function byOrder(one: Timed, all: readonly Acquisition[], times: PhaseTimes): KnownPhase {
  const enhanced = all.filter(
    (other): other is Timed => other.enhanced && other.time !== undefined && other.counts,
  );
  const moments = momentsOf(enhanced);
  // An agent that stands in every header stands in that of the mask too, which was taken well before the
  // injection.
  const masked = all.every((other) => other.enhanced || other.said === 'unenhanced');
  const [first, second, third] = moments;
  const isMask =
    masked &&
    first !== undefined &&
    second !== undefined &&
    third !== undefined &&
    second - first >= times.maskGap;
  const saidMask = enhanced.some((other) => other.said !== undefined && sameAcquisition(other.time, first));
  const start = isMask && !saidMask ? second : first;
  if (start === undefined || one.time < start - 1) {
    return { phase: 'unenhanced', how: 'acquired before the contrast agent' };
  }
  return afterAgent(
    one.time,
    enhanced.filter((other) => other.time >= start - 1),
    times,
  );
}

/** Without a word or an agent anywhere: of a dynamic of three or more, the first is the mask. */
function withoutAgents(one: Timed, all: readonly Acquisition[], times: PhaseTimes): KnownPhase {
  const timed = all.filter((other): other is Timed => other.time !== undefined && other.counts);
  const [first, , third] = momentsOf(timed);
  if (first === undefined || third === undefined) return UNKNOWN;
  if (one.time <= first || sameAcquisition(one.time, first)) {
    return { phase: 'unenhanced', how: 'the first of a dynamic' };
  }
  return afterAgent(
    one.time,
    timed.filter((other) => other.time > first && !sameAcquisition(other.time, first)),
    times,
  );
}

function afterAgent(time: number, enhanced: readonly Timed[], times: PhaseTimes): KnownPhase {
  const said = (phase: Phase) => enhanced.filter((other) => other.said === phase).map((other) => other.time);
  const portal = said('portal')[0];
  if (portal !== undefined) {
    if (sameAcquisition(time, portal))
      return { phase: 'portal', how: 'acquired with the portal venous series' };
    return time < portal
      ? { phase: 'arterial', how: 'acquired before the portal venous series' }
      : { phase: 'delayed', how: 'acquired after the portal venous series' };
  }
  const moments = momentsOf(enhanced);
  const start = moments[0] ?? time;
  if (time - start >= times.hepatobiliaryFrom) {
    return {
      phase: 'hepatobiliary',
      how: `${Math.round((time - start) / 60)} min after the first enhanced series`,
    };
  }
  const late = said('delayed');
  const dynamic = moments.filter(
    (moment) =>
      moment - start < times.hepatobiliaryFrom && !late.some((other) => sameAcquisition(moment, other)),
  );
  if (dynamic.length <= 1 && said('arterial').length === 0) {
    return { phase: 'portal', how: 'the only enhanced phase' };
  }
  const [, second] = dynamic;
  // Arterial and portal venous phase follow each other within a minute or so; what comes later is late.
  if (said('arterial').length === 0 && second !== undefined && second - start >= times.lateGap) {
    return time < second - 1
      ? { phase: 'portal', how: 'the only enhanced phase before a long pause' }
      : { phase: 'delayed', how: 'acquired after a long pause' };
  }
  const arterialEnd = Math.max(start, ...said('arterial')) + times.arterialSpan;
  if (time <= arterialEnd) return { phase: 'arterial', how: 'the first enhanced phase' };
  const next = dynamic.find((moment) => moment > arterialEnd);
  return next === undefined || time <= next || sameAcquisition(time, next)
    ? { phase: 'portal', how: 'the second enhanced phase' }
    : { phase: 'delayed', how: 'a late enhanced phase' };
}

/** Each acquisition once, in order. */
function momentsOf(acquisitions: readonly Timed[]): number[] {
  const moments: number[] = [];
  for (const { time } of acquisitions.toSorted((a, b) => a.time - b.time)) {
    if (!sameAcquisition(moments.at(-1), time)) moments.push(time);
  }
  return moments;
}
