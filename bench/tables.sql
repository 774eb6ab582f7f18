-- The tables of the two floors, pgbench and the control: what five obvious statements need.
create table message (
  id text primary key,
  path text not null,
  body bytea not null,
  accepted_at timestamptz not null default now()
);
create table document (
  id text primary key,
  status text not null,
  version integer not null
);
create table journal (
  document_id text not null,
  sequence integer not null,
  message_id text not null,
  digest bytea not null,
  primary key (document_id, sequence)
);
create table outbox (
  id bigint generated always as identity primary key,
  message_id text not null,
  receiver text not null,
  due_at timestamptz not null default now()
);
create sequence message_number;
insert into document
  select 'PUR' || lpad(n::text, 32, '0'), 'SENT TO SUPPLIER', 1 from generate_series(1, 200000) n;
analyze document;
