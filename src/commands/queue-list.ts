import { z } from 'zod';
import type { DeadEarlier, DeadStudy } from '../queue/dead-studies.ts';
import { earlierAnnounced } from '../store/arrivals/earlier-searches.ts';
import { exitFigures, type Outgoing, unsent } from '../store/exchange/outgoing.ts';
import { listedOrders, type PerformedOrder } from '../store/orders/performed-orders.ts';
import { defineCommand } from './definition/command.ts';
import { jsonFlag } from './definition/field.ts';
import { givenUp, givenUpBehind } from './options/given-up.ts';

/**
 * How much waits and runs, whether the queue is paused, the studies that were given up, orders, and messages
 * to other systems.
 */
export const queueList = defineCommand({
  name: 'queue list',
  help:
    'how much waits, which studies were given up, why and when, which orders there are, ' +
    'and what waits for other systems',
  runs: 'in-node',
  options: z.strictObject({ json: jsonFlag }),
  run: async ({ json }, { queue: open, database, print }) => {
    const queue = await open();
    const [mode, counts, dead] = [await queue.mode(), await queue.counts(), await givenUp(queue)];
    const behind = { ...(await queue.behind()), announced: await earlierAnnounced(database) };
    const deadBehind = await givenUpBehind(queue);
    const orders = await listedOrders(database, ENDED_ORDERS);
    const exits = await exitFigures(database, new Date());
    const outgoing = await unsent(database, UNSENT_MESSAGES);
    if (json) {
      const shown = orders.map(shownOrder);
      const givenUpThere = { ...behind, givenUp: deadBehind };
      const whole = { mode, ...counts, behind: givenUpThere, givenUp: dead, orders: shown, exits, outgoing };
      print(JSON.stringify(whole, null, 2));
      return;
    }
    print(`${mode}: ${counts.waiting} waiting, ${counts.active} being worked on, ${counts.dead} given up`);
    if (behind.announced + behind.waiting + behind.active + behind.dead > 0) {
      const { announced, waiting, active, dead: failed } = behind;
      print(
        `behind them: ${announced} to be looked at, ${waiting} waiting, ${active} being worked on, ` +
          `${failed} given up`,
      );
    }
    for (const study of dead) print(sentence(study));
    for (const study of deadBehind) print(behindSentence(study));
    for (const order of orders) print(orderSentence(order));
    for (const { exit, waiting, failed } of exits) print(`to ${exit}: ${waiting} waiting, ${failed} failed`);
    for (const message of outgoing) print(outgoingSentence(message));
  },
});

/** Orders that are over: so many of the latest are shown. */
const ENDED_ORDERS = 20;

/** Messages to other systems that are not sent: so many are shown, those that failed first. */
const UNSENT_MESSAGES = 50;

/** Without the Transaction UID, which is a key. */
function shownOrder(order: PerformedOrder): object {
  const { transactionUid: _key, request: _request, ending: _ending, ...shown } = order;
  return shown;
}

const orderSentence = (order: PerformedOrder): string =>
  [
    `order ${order.workitemUid}  ${(order.endedAt ?? order.claimedAt).toISOString()}  ${order.state}`,
    ...(order.accessionNumber ? [`accession ${order.accessionNumber}`] : []),
    ...(order.requestedProcedure ? [`requested procedure ${order.requestedProcedure}`] : []),
    ...(order.studyInstanceUid ? [`study ${order.studyInstanceUid}`] : []),
    ...(order.reason ? [order.reason] : []),
  ].join('  ');

const outgoingSentence = (message: Outgoing): string => {
  const { exit, id, state, studyInstanceUid, change, tries, nextTryAt, reason } = message;
  return [
    `to ${exit}  ${id}  ${(message.endedAt ?? message.putAt).toISOString()}  ${state} after ${tries} tries`,
    `study ${studyInstanceUid}  ${change}`,
    ...(nextTryAt ? [`next try ${nextTryAt.toISOString()}`] : []),
    ...(reason ? [reason] : []),
  ].join('  ');
};

const sentence = ({ studyInstanceUid, code, reason, failedAt, tries }: DeadStudy): string =>
  `${studyInstanceUid}  ${failedAt.toISOString()}  ${code} after ${tries} tries: ${reason}`;

/** What asks for it again is said: `queue requeue` is for studies that somebody waits for. */
const behindSentence = (study: DeadEarlier): string => {
  const { measureWith } = study;
  const what = measureWith ? `by ${measureWith.model} in ${measureWith.mode} mode` : 'an earlier study';
  return `${sentence(study)}  (${what}; again: history ${measureWith ? 'remeasure' : 'backfill'})`;
};
