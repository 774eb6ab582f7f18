\set number random(1, 200000)
begin;
insert into message (id, path, body)
  values ('MSG' || lpad(nextval('message_number')::text, 32, '0'), '/req-status-change', convert_to(:body, 'UTF8'))
  on conflict (id) do nothing returning id as message \gset
select id as document, version from document where id = 'PUR' || lpad(:number::text, 32, '0') for update \gset
update document set status = 'CANCELLED', version = version + 1 where id = :document and version = :version;
insert into journal (document_id, sequence, message_id, digest)
  values (:document, :version, :message, sha256(convert_to(:body, 'UTF8')));
insert into outbox (message_id, receiver) values (:message, 'supplier');
commit;
