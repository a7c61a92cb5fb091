import { DatabaseError, Pool, type PoolClient, type QueryResult } from 'pg';
import { StoreError } from '../store-error.ts';
import type { Database, Row, Sql } from './sql.ts';

/** How long a connection may take to open, before the server counts as away. */
const CONNECT_TIMEOUT_MS = 10_000;
/** How long an answer may take: a server that stalls must not stall the node. */
const ANSWER_TIMEOUT_MS = 120_000;
/** The same while tables are brought up to date: an index of millions of rows takes its time. */
export const MIGRATION_TIMEOUT_MS = 24 * 3_600_000;

/**
 * How long a transaction may stand still: a machine that lost its power keeps its locks until then, and not
 * until the server's TCP notices, hours later. Set in the transaction, as connection poolers refuse it at the
 * start.
 */
const IDLE_TIMEOUT_MS = 60_000;

/**
 * States of PostgreSQL that pass, by the classes of its Appendix A: 08 connection, 28 authorization and 3D
 * database name (both corrected by an administrator), 53 resources, 57 operator intervention (shutdown,
 * starting up), 40 rollback by a conflict, 25006 a standby that takes no writes.
 */
const PASSING_STATES = /^(08|28|3D|40|53|57|25006)/;

/**
 * Connects to a PostgreSQL server. Connections that break are replaced: each query fails or works on its own.
 * @param url postgresql://user:password@host:port/database, with libpq's parameters such as sslmode
 * @throws StoreError DATABASE_UNUSABLE, without the password, where the server can't be reached or refuses
 */
export async function connectPostgres(
  url: string,
  connections: number,
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
): Promise<Database> {
  const place = describePlace(url);
  const pool = new Pool({
    connectionString: url,
    max: connections,
    application_name: 'pansegnet-node',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: answerTimeoutMs,
    keepAlive: true,
  });
  // An idle connection that breaks is gone from the pool already; whoever asks next gets a new one, or the
  // reason.
  pool.on('error', () => undefined);
  const ask = async <T>(question: () => Promise<T>): Promise<T> => {
    try {
      return await question();
    } catch (error) {
      throw isPassing(error) ? unusable(place, error) : error;
    }
  };
  const database: Database = {
    kind: 'server',
    boss: { db: { executeSql: (text, values) => ask(() => pool.query(text, values)) }, backend: 'postgres' },
    query: (sql, parameters) => ask(() => runOn(pool, sql, parameters)),
    transaction: (work) => ask(() => transaction(pool, work)),
    close: () => pool.end(),
  };
  try {
    await pool.query('SELECT 1');
  } catch (error) {
    await pool.end();
    throw unusable(place, error);
  }
  return database;
}

async function transaction<T>(pool: Pool, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // While a connection is lent out, the pool does not listen; what it carries rejects by itself.
  const ignore = (): void => undefined;
  client.on('error', ignore);
  let broken: Error | undefined;
  try {
    await client.query(`BEGIN; SET LOCAL idle_in_transaction_session_timeout = ${IDLE_TIMEOUT_MS}`);
    const result = await work({ query: (sql, parameters) => runOn(client, sql, parameters) });
    const { command } = await client.query('COMMIT');
    // So PostgreSQL answers where a statement had failed and `work` went on regardless.
    if (command === 'ROLLBACK') throw new Error('the transaction had failed and was rolled back');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((cause: unknown) => {
      broken = cause instanceof Error ? cause : new Error(String(cause));
    });
    throw error;
  } finally {
    client.removeListener('error', ignore);
    client.release(broken);
  }
}

async function runOn(
  target: Pick<Pool, 'query'> | Pick<PoolClient, 'query'>,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<Row[]> {
  // Several statements give several results, which the types don't say.
  const answer: QueryResult<Row> | QueryResult<Row>[] = await target.query<Row>(
    sql,
    parameters.length > 0 ? [...parameters] : undefined,
  );
  return [answer].flat().flatMap(({ rows }) => rows);
}

/** Errors without a state of PostgreSQL's come from the connection. */
function isPassing(error: unknown): boolean {
  if (error instanceof StoreError) return false;
  if (error instanceof DatabaseError) return PASSING_STATES.test(error.code ?? '');
  return error instanceof Error && (isSystemError(error) || CONNECTION_TROUBLE.test(error.message));
}

const isSystemError = (error: Error): boolean =>
  'syscall' in error || ('errors' in error && Array.isArray(error.errors));

/** What the driver says of a connection that it lost, cannot get or gave up; these errors carry no code. */
const CONNECTION_TROUBLE = new RegExp(
  `^(?:${[
    'Connection terminated',
    'Connection ended',
    'Client has encountered',
    'timeout exceeded',
    'Query read timeout',
    'The server does not support SSL',
    'Cannot use a pool after',
  ].join('|')})`,
  'i',
);

function unusable(place: string, cause: unknown): StoreError {
  const message = `the PostgreSQL server at ${place} cannot be used: ${reasonOf(cause)}`;
  return new StoreError('DATABASE_UNUSABLE', message, { cause });
}

/** Node tries all addresses of a name and wraps their errors in one that has no message of its own. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause instanceof AggregateError) return [...new Set(cause.errors.map(reasonOf))].join('; ');
  return cause.message;
}

/** Host, database and user; never the password. */
function describePlace(url: string): string {
  const { host, pathname, username, searchParams } = new URL(url);
  const where = host || searchParams.get('host') || 'localhost';
  return `${where}, database ${pathname.slice(1) || username}, user ${username || 'of this process'}`;
}
