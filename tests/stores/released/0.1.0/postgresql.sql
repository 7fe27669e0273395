SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.answer (
    digest character varying(64) NOT NULL COLLATE pg_catalog."C",
    request text NOT NULL COLLATE pg_catalog."C",
    seed bytea NOT NULL,
    at bigint NOT NULL,
    body bytea NOT NULL,
    expires_at bigint NOT NULL
);
CREATE TABLE public.api_key (
    id character varying(64) NOT NULL COLLATE pg_catalog."C",
    workspace_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    digest character varying(64) NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    app_id character varying(64) COLLATE pg_catalog."C",
    scopes text NOT NULL COLLATE pg_catalog."C",
    revoked_at bigint,
    version integer NOT NULL
);
CREATE TABLE public.app (
    id character varying(64) NOT NULL COLLATE pg_catalog."C",
    workspace_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    origins text NOT NULL COLLATE pg_catalog."C",
    verification character varying(16) NOT NULL COLLATE pg_catalog."C",
    region character varying(8) COLLATE pg_catalog."C",
    version integer NOT NULL
);
CREATE TABLE public.conflict (
    id character varying(64) NOT NULL COLLATE pg_catalog."C",
    workspace_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    app_id character varying(64) COLLATE pg_catalog."C",
    contact_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    other_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    field text NOT NULL COLLATE pg_catalog."C",
    rule text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    status character varying(16) NOT NULL COLLATE pg_catalog."C",
    open_pair character varying(129) COLLATE pg_catalog."C",
    version integer NOT NULL
);
CREATE TABLE public.contact (
    id character varying(64) NOT NULL COLLATE pg_catalog."C",
    workspace_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    last_seen_at bigint NOT NULL,
    created_by text NOT NULL COLLATE pg_catalog."C",
    identifiers text NOT NULL COLLATE pg_catalog."C",
    profile text NOT NULL COLLATE pg_catalog."C",
    search text NOT NULL COLLATE pg_catalog."C",
    merged_into character varying(64) COLLATE pg_catalog."C",
    version integer NOT NULL
);
CREATE TABLE public.conversation (
    id character varying(64) NOT NULL COLLATE pg_catalog."C",
    workspace_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    app_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    visitor_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    last_message_at bigint NOT NULL,
    status character varying(16) NOT NULL COLLATE pg_catalog."C",
    contact_id character varying(64) COLLATE pg_catalog."C",
    link_standing smallint,
    version integer NOT NULL
);
CREATE TABLE public.custom_data (
    contact_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    app_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    block text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.decision (
    id character varying(64) NOT NULL COLLATE pg_catalog."C",
    workspace_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    app_id character varying(64) COLLATE pg_catalog."C",
    contact_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    request_id text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL,
    by text NOT NULL COLLATE pg_catalog."C",
    matched_by text NOT NULL COLLATE pg_catalog."C",
    standing text NOT NULL COLLATE pg_catalog."C",
    trace text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.hullo_migration (
    id integer NOT NULL,
    name character varying(255) NOT NULL,
    applied timestamp without time zone NOT NULL
);
CREATE SEQUENCE public.hullo_migration_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.hullo_migration_id_seq OWNED BY public.hullo_migration.id;
CREATE TABLE public.identifier (
    digest character varying(64) NOT NULL COLLATE pg_catalog."C",
    workspace_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    kind character varying(64) NOT NULL COLLATE pg_catalog."C",
    contact_id character varying(64) NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.identity_key (
    id character varying(64) NOT NULL COLLATE pg_catalog."C",
    app_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    secret text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    last_used_at bigint,
    retires_at bigint
);
CREATE TABLE public.message (
    id character varying(64) NOT NULL COLLATE pg_catalog."C",
    conversation_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    author character varying(16) NOT NULL COLLATE pg_catalog."C",
    text text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    client_id text COLLATE pg_catalog."C",
    repeat_key character varying(64) COLLATE pg_catalog."C"
);
CREATE TABLE public.session (
    digest character varying(64) NOT NULL COLLATE pg_catalog."C",
    workspace_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    app_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    visitor_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    seen_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    contact_id character varying(64) COLLATE pg_catalog."C",
    standing smallint,
    claimed text NOT NULL COLLATE pg_catalog."C",
    proved text NOT NULL COLLATE pg_catalog."C",
    revoked_at bigint,
    version integer NOT NULL
);
CREATE TABLE public.visitor (
    id character varying(64) NOT NULL COLLATE pg_catalog."C",
    app_id character varying(64) NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL
);
CREATE TABLE public.workspace (
    id character varying(64) NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    version integer NOT NULL
);
ALTER TABLE ONLY public.hullo_migration ALTER COLUMN id SET DEFAULT nextval('public.hullo_migration_id_seq'::regclass);
INSERT INTO public.answer VALUES ('8dc833da741de31c8e987c00b0eb1cd4c83440703f3a8bfe4d4b98a5350782d2', 'e347724736f3ace4322e8aae471c4e8a80a8f544ccc04bfca82f6985fc98f623', '\x', 1795000000000004, '\x7b2276697369746f725f6964223a227669735f30316b306863306e796330317674313738726b336165706e6d64222c226964656e746966696564223a747275652c227374616e64696e67223a2270726f76656e222c227377697463686564223a66616c73652c226c696e6b65645f636f6e766572736174696f6e73223a312c2272656a6563746564223a5b5d2c22726571756573745f6964223a227265715f30316b306863306e79633034626a647272643372723936676867222c22636f6e746163745f6964223a22636f6e5f30316b306863306e796330346b7a777631333976646537363079222c226d6174636865645f6279223a2263726561746564222c227772697474656e223a5b2265787465726e616c5f6964222c22656d61696c222c226e616d65222c22637573746f6d5f646174612e706c616e222c22637573746f6d5f646174612e766973697473222c22637573746f6d5f646174612e766970225d2c226b657074223a5b5d2c22636f6e666c69637473223a5b5d7d', 1795086400000004);
INSERT INTO public.api_key VALUES ('key_01k0hc0nyc0ecqderkrvpcec7m', 'ws_01k0hc0nyc00h4awvdf9kbwe27', '2fdb37c6f2178381bcd908a9a82b3cd94adf5c6d03024e1867945acef228c0f3', 1795000000000014, 'app_01k0hc0nyc00nf9bam228pbsyj', '["erase","read","write"]', NULL, 0);
INSERT INTO public.app VALUES ('app_01k0hc0nyc00nf9bam228pbsyj', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'Shop', 1795000000000000, '["https://shop.example"]', 'optional', NULL, 0);
INSERT INTO public.conflict VALUES ('cfl_01k0hc0nyc087egjywyx21ebjj', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'app_01k0hc0nyc00nf9bam228pbsyj', 'con_01k0hc0nyc063fh5077xxe7vxx', 'con_01k0hc0nyc04kzwv139vde760y', 'email', 'C2', 1795000000000008, 'open', 'con_01k0hc0nyc04kzwv139vde760y|con_01k0hc0nyc063fh5077xxe7vxx', 0);
INSERT INTO public.contact VALUES ('con_01k0hc0nyc04kzwv139vde760y', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 1795000000000004, 1795000000000004, 1795000000000004, 'visitor:vis_01k0hc0nyc01vt178rk3aepnmd', '{"external_id":["ann",3,1795000000000004,"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch"],"email":["Ann@shop.example",1,1795000000000004,"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch"]}', '{"name":["Änn",3,1795000000000004,"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch"]}', 'ann
ann@shop.example
änn', NULL, 0);
INSERT INTO public.contact VALUES ('con_01k0hc0nyc063fh5077xxe7vxx', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 1795000000000006, 1795000000000008, 1795000000000008, 'visitor:vis_01k0hc0nyc06200phw7qz37btp', '{"external_id":["bob",3,1795000000000006,"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch"],"email":["bob@shop.example",1,1795000000000006,"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch"]}', '{}', 'bob
bob@shop.example', NULL, 1);
INSERT INTO public.contact VALUES ('con_01k0hc0nyc0958aqyhzzh3mn54', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 1795000000000009, 1795000000000009, 1795000000000009, 'visitor:vis_01k0hc0nyc09k4r2jq1kxfzpmz', '{"email":["eve@shop.example",2,1795000000000009,"visitor:vis_01k0hc0nyc09k4r2jq1kxfzpmz"]}', '{"name":["ann",2,1795000000000009,"visitor:vis_01k0hc0nyc09k4r2jq1kxfzpmz"],"phone":["+4930123456",2,1795000000000009,"visitor:vis_01k0hc0nyc09k4r2jq1kxfzpmz"]}', 'eve@shop.example
ann
+4930123456', NULL, 0);
INSERT INTO public.conversation VALUES ('cnv_01k0hc0nyc022zm11vt4qbkynm', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'app_01k0hc0nyc00nf9bam228pbsyj', 'vis_01k0hc0nyc01vt178rk3aepnmd', 1795000000000002, 1795000000000002, 'open', 'con_01k0hc0nyc04kzwv139vde760y', 3, 1);
INSERT INTO public.conversation VALUES ('cnv_01k0hc0nyc0bnxj6f8pe8cdk7a', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'app_01k0hc0nyc00nf9bam228pbsyj', 'vis_01k0hc0nyc0ahy08yfrtm7bd5k', 1795000000000011, 1795000000000011, 'open', NULL, NULL, 0);
INSERT INTO public.custom_data VALUES ('con_01k0hc0nyc04kzwv139vde760y', 'app_01k0hc0nyc00nf9bam228pbsyj', '{"plan":["pro",3,1795000000000004,"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch"],"visits":[3,3,1795000000000004,"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch"],"vip":[true,3,1795000000000004,"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch"]}');
INSERT INTO public.custom_data VALUES ('con_01k0hc0nyc063fh5077xxe7vxx', 'app_01k0hc0nyc00nf9bam228pbsyj', '{"plan":["free",3,1795000000000008,"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch"]}');
INSERT INTO public.decision VALUES ('dec_01k0hc0nyc04z1gk64vyr7h3rb', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'app_01k0hc0nyc00nf9bam228pbsyj', 'con_01k0hc0nyc04kzwv139vde760y', 'req_01k0hc0nyc04bjdrrd3rr96ghg', 1795000000000004, 'identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch', 'created', 'proven', '{"steps":[{"stage":"verify","plugin":"user-hash","answer":"vouches for external_id"},{"stage":"name","plugin":"external-id","answer":"look up by external_id"},{"stage":"name","plugin":"email","answer":"look up by email"},{"stage":"match","plugin":"pipeline","answer":"somebody new"},{"stage":"link","plugin":"link-orphans","answer":"gives the contact this visitor''s conversations"}],"fields":[{"field":"external_id","verdict":"written","reason":"filled as proven"},{"field":"email","verdict":"written","reason":"filled as claimed"},{"field":"name","verdict":"written","reason":"filled as proven"},{"field":"custom_data.plan","verdict":"written","reason":"filled as proven"},{"field":"custom_data.visits","verdict":"written","reason":"filled as proven"},{"field":"custom_data.vip","verdict":"written","reason":"filled as proven"}]}');
INSERT INTO public.decision VALUES ('dec_01k0hc0nyc0610tyv5ysssk069', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'app_01k0hc0nyc00nf9bam228pbsyj', 'con_01k0hc0nyc063fh5077xxe7vxx', 'req_01k0hc0nyc06gpkqzb1450dq5b', 1795000000000006, 'identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch', 'created', 'proven', '{"steps":[{"stage":"verify","plugin":"user-hash","answer":"vouches for external_id"},{"stage":"name","plugin":"external-id","answer":"look up by external_id"},{"stage":"name","plugin":"email","answer":"look up by email"},{"stage":"match","plugin":"pipeline","answer":"somebody new"}],"fields":[{"field":"external_id","verdict":"written","reason":"filled as proven"},{"field":"email","verdict":"written","reason":"filled as claimed"}]}');
INSERT INTO public.decision VALUES ('dec_01k0hc0nyc089jck2892zf6xtj', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'app_01k0hc0nyc00nf9bam228pbsyj', 'con_01k0hc0nyc063fh5077xxe7vxx', 'req_01k0hc0nyc08pn74k6t1fxyhww', 1795000000000008, 'identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch', 'external_id', 'proven', '{"steps":[{"stage":"verify","plugin":"user-hash","answer":"vouches for external_id"},{"stage":"name","plugin":"external-id","answer":"look up by external_id"},{"stage":"name","plugin":"email","answer":"look up by email"},{"stage":"match","plugin":"external-id","answer":"it is con_01k0hc0nyc063fh5077xxe7vxx"}],"fields":[{"field":"custom_data.plan","verdict":"written","reason":"filled as proven"},{"field":"external_id","verdict":"unchanged","reason":"it was so already"}]}');
INSERT INTO public.decision VALUES ('dec_01k0hc0nyc092s1a73ew5xpsyz', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'app_01k0hc0nyc00nf9bam228pbsyj', 'con_01k0hc0nyc0958aqyhzzh3mn54', 'req_01k0hc0nyc09zy3tbjd1wwwcqz', 1795000000000009, 'visitor:vis_01k0hc0nyc09k4r2jq1kxfzpmz', 'created', 'owned', '{"steps":[{"stage":"name","plugin":"email","answer":"look up by email"},{"stage":"match","plugin":"pipeline","answer":"somebody new"}],"fields":[{"field":"email","verdict":"written","reason":"filled as owned"},{"field":"name","verdict":"written","reason":"filled as owned"},{"field":"phone","verdict":"written","reason":"filled as owned"}]}');
INSERT INTO public.hullo_migration VALUES (1, '0001_first', '2026-11-22 03:50:22.388041');
INSERT INTO public.identifier VALUES ('29ab588590ff4a810b414db65847cf9de19071fc1a32ef684e1587fa6dcf34db', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'email', 'con_01k0hc0nyc04kzwv139vde760y');
INSERT INTO public.identifier VALUES ('c6c26eb93c17554f2a3bf56a3bdf7c49427481ec371f93c08ab1a2714eaf67fe', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'external_id', 'con_01k0hc0nyc04kzwv139vde760y');
INSERT INTO public.identifier VALUES ('4772bbfa15f4c91223561d6e26864f526446bab1ee4c3163ee197ee2713b98db', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'email', 'con_01k0hc0nyc063fh5077xxe7vxx');
INSERT INTO public.identifier VALUES ('9b1fc6c75b6d72412878da60ff0c6ffb4728aab11c4dacf59ce27a28d4a3eaee', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'external_id', 'con_01k0hc0nyc063fh5077xxe7vxx');
INSERT INTO public.identifier VALUES ('5fc282f3fe7dd14165e56c3b2e9eb02861174a432cd5674b67fdd01e5a906859', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'email', 'con_01k0hc0nyc0958aqyhzzh3mn54');
INSERT INTO public.identity_key VALUES ('ik_01k0hc0nyc00bt8b5m7rd755ch', 'app_01k0hc0nyc00nf9bam228pbsyj', 'hik_a32ae444b7e7bc533a92664bc7d3cdf481281793b4b524193d73311e24e5b7f3', 1795000000000000, 1795000000000004, NULL);
INSERT INTO public.message VALUES ('msg_01k0hc0nyc02ga7hjes7zdzeqn', 'cnv_01k0hc0nyc022zm11vt4qbkynm', 'visitor', 'Do you ship to Łódź? 🦊', 1795000000000002, NULL, NULL);
INSERT INTO public.message VALUES ('msg_01k0hc0nyc0bz7wbkxe06avjr7', 'cnv_01k0hc0nyc0bnxj6f8pe8cdk7a', 'visitor', 'Hello?', 1795000000000011, NULL, NULL);
INSERT INTO public.session VALUES ('82d33f41017c230886232e900b68a992a07561bfa28cd32ed1fc579a81bbd35c', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'app_01k0hc0nyc00nf9bam228pbsyj', 'vis_01k0hc0nyc01vt178rk3aepnmd', 1795000000000001, 1795000000000004, 1810552000000004, 'con_01k0hc0nyc04kzwv139vde760y', 3, '{"external_id":"c6c26eb93c17554f2a3bf56a3bdf7c49427481ec371f93c08ab1a2714eaf67fe","email":"29ab588590ff4a810b414db65847cf9de19071fc1a32ef684e1587fa6dcf34db"}', '["c6c26eb93c17554f2a3bf56a3bdf7c49427481ec371f93c08ab1a2714eaf67fe"]', NULL, 2);
INSERT INTO public.session VALUES ('c22d6e6081181e9c5c9d0a26b91e95302fb4302f25ce7838f8bfc152a1608219', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'app_01k0hc0nyc00nf9bam228pbsyj', 'vis_01k0hc0nyc06200phw7qz37btp', 1795000000000006, 1795000000000008, 1810552000000008, 'con_01k0hc0nyc063fh5077xxe7vxx', 3, '{"external_id":"9b1fc6c75b6d72412878da60ff0c6ffb4728aab11c4dacf59ce27a28d4a3eaee","email":"29ab588590ff4a810b414db65847cf9de19071fc1a32ef684e1587fa6dcf34db"}', '["9b1fc6c75b6d72412878da60ff0c6ffb4728aab11c4dacf59ce27a28d4a3eaee"]', NULL, 1);
INSERT INTO public.session VALUES ('92c22f663eeedf846b9b5a4037d22f22c77cdb8d7fb5203f7d44f46bf425e70e', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'app_01k0hc0nyc00nf9bam228pbsyj', 'vis_01k0hc0nyc09k4r2jq1kxfzpmz', 1795000000000009, 1795000000000009, 1810552000000009, 'con_01k0hc0nyc0958aqyhzzh3mn54', 2, '{"email":"5fc282f3fe7dd14165e56c3b2e9eb02861174a432cd5674b67fdd01e5a906859"}', '[]', NULL, 0);
INSERT INTO public.session VALUES ('3f40292ba6f1833ea6cdc532c90b1c481c07e29dc9436d3110af199532324595', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'app_01k0hc0nyc00nf9bam228pbsyj', 'vis_01k0hc0nyc0ahy08yfrtm7bd5k', 1795000000000010, 1795000000000011, 1810552000000011, NULL, NULL, '{}', '[]', NULL, 1);
INSERT INTO public.session VALUES ('5d5602826a5d0c561022974cde5f794f4a52557d395906d4cb7d8fbf7675988f', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'app_01k0hc0nyc00nf9bam228pbsyj', 'vis_01k0hc0nyc0dbsbbkmwht33jtq', 1795000000000013, 1795000000000013, 1797592000000013, NULL, NULL, '{}', '[]', NULL, 0);
INSERT INTO public.session VALUES ('26788742018af4cf9aab08d20073885106a6a7ad9aaf61a4638711249ee4183c', 'ws_01k0hc0nyc00h4awvdf9kbwe27', 'app_01k0hc0nyc00nf9bam228pbsyj', 'vis_01k0hc0nyc0cphrjda1htq1qfx', 1795000000000012, 1795000000000012, 1797592000000012, NULL, NULL, '{}', '[]', 1795000000000013, 1);
INSERT INTO public.visitor VALUES ('vis_01k0hc0nyc01vt178rk3aepnmd', 'app_01k0hc0nyc00nf9bam228pbsyj', 1795000000000001);
INSERT INTO public.visitor VALUES ('vis_01k0hc0nyc06200phw7qz37btp', 'app_01k0hc0nyc00nf9bam228pbsyj', 1795000000000006);
INSERT INTO public.visitor VALUES ('vis_01k0hc0nyc09k4r2jq1kxfzpmz', 'app_01k0hc0nyc00nf9bam228pbsyj', 1795000000000009);
INSERT INTO public.visitor VALUES ('vis_01k0hc0nyc0ahy08yfrtm7bd5k', 'app_01k0hc0nyc00nf9bam228pbsyj', 1795000000000010);
INSERT INTO public.visitor VALUES ('vis_01k0hc0nyc0cphrjda1htq1qfx', 'app_01k0hc0nyc00nf9bam228pbsyj', 1795000000000012);
INSERT INTO public.visitor VALUES ('vis_01k0hc0nyc0dbsbbkmwht33jtq', 'app_01k0hc0nyc00nf9bam228pbsyj', 1795000000000013);
INSERT INTO public.workspace VALUES ('ws_01k0hc0nyc00h4awvdf9kbwe27', 'default', 1795000000000000, 0);
SELECT pg_catalog.setval('public.hullo_migration_id_seq', 1, true);
ALTER TABLE ONLY public.answer
    ADD CONSTRAINT answer_pkey PRIMARY KEY (digest);
ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.app
    ADD CONSTRAINT app_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.conflict
    ADD CONSTRAINT conflict_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.contact
    ADD CONSTRAINT contact_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.conversation
    ADD CONSTRAINT conversation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.custom_data
    ADD CONSTRAINT custom_data_block PRIMARY KEY (contact_id, app_id);
ALTER TABLE ONLY public.decision
    ADD CONSTRAINT decision_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.hullo_migration
    ADD CONSTRAINT hullo_migration_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.identifier
    ADD CONSTRAINT identifier_taken PRIMARY KEY (digest, workspace_id, kind);
ALTER TABLE ONLY public.identity_key
    ADD CONSTRAINT identity_key_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (digest);
ALTER TABLE ONLY public.visitor
    ADD CONSTRAINT visitor_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.workspace
    ADD CONSTRAINT workspace_pkey PRIMARY KEY (id);
CREATE INDEX answer_expires_at ON public.answer USING btree (expires_at);
CREATE UNIQUE INDEX api_key_digest ON public.api_key USING btree (digest);
CREATE INDEX conflict_contact_id ON public.conflict USING btree (contact_id);
CREATE UNIQUE INDEX conflict_open_pair ON public.conflict USING btree (open_pair);
CREATE INDEX conflict_other_id ON public.conflict USING btree (other_id);
CREATE INDEX conflict_workspace ON public.conflict USING btree (workspace_id, status, id);
CREATE INDEX contact_merged_into ON public.contact USING btree (merged_into);
CREATE INDEX contact_workspace ON public.contact USING btree (workspace_id, id);
CREATE INDEX conversation_contact_id ON public.conversation USING btree (contact_id, id);
CREATE INDEX conversation_visitor ON public.conversation USING btree (visitor_id, id);
CREATE INDEX conversation_workspace ON public.conversation USING btree (workspace_id, id);
CREATE INDEX decision_contact_id ON public.decision USING btree (contact_id, id);
CREATE UNIQUE INDEX hullo_migration_name ON public.hullo_migration USING btree (name);
CREATE INDEX identifier_contact_id ON public.identifier USING btree (contact_id);
CREATE INDEX identity_key_app ON public.identity_key USING btree (app_id);
CREATE INDEX message_conversation_id ON public.message USING btree (conversation_id, id);
CREATE UNIQUE INDEX message_repeat_key ON public.message USING btree (repeat_key);
CREATE INDEX session_contact_id ON public.session USING btree (contact_id);
ALTER TABLE ONLY public.conflict
    ADD CONSTRAINT conflict_contact FOREIGN KEY (contact_id) REFERENCES public.contact(id);
ALTER TABLE ONLY public.conflict
    ADD CONSTRAINT conflict_other FOREIGN KEY (other_id) REFERENCES public.contact(id);
ALTER TABLE ONLY public.conversation
    ADD CONSTRAINT conversation_contact FOREIGN KEY (contact_id) REFERENCES public.contact(id);
ALTER TABLE ONLY public.custom_data
    ADD CONSTRAINT custom_data_contact FOREIGN KEY (contact_id) REFERENCES public.contact(id);
ALTER TABLE ONLY public.decision
    ADD CONSTRAINT decision_contact FOREIGN KEY (contact_id) REFERENCES public.contact(id);
ALTER TABLE ONLY public.identifier
    ADD CONSTRAINT identifier_contact FOREIGN KEY (contact_id) REFERENCES public.contact(id);
ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_conversation FOREIGN KEY (conversation_id) REFERENCES public.conversation(id);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_contact FOREIGN KEY (contact_id) REFERENCES public.contact(id);
