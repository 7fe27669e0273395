/*M!999999\- enable the sandbox mode */ 

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;
DROP TABLE IF EXISTS `answer`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `answer` (
  `digest` varchar(64) NOT NULL,
  `request` longtext NOT NULL,
  `seed` longblob NOT NULL,
  `at` bigint(20) NOT NULL,
  `body` longblob NOT NULL,
  `expires_at` bigint(20) NOT NULL,
  PRIMARY KEY (`digest`),
  KEY `answer_expires_at` (`expires_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

INSERT INTO `answer` VALUES
('8dc833da741de31c8e987c00b0eb1cd4c83440703f3a8bfe4d4b98a5350782d2','e347724736f3ace4322e8aae471c4e8a80a8f544ccc04bfca82f6985fc98f623','',1795000000000004,0x7B2276697369746F725F6964223A227669735F30316B306863306E796330317674313738726B336165706E6D64222C226964656E746966696564223A747275652C227374616E64696E67223A2270726F76656E222C227377697463686564223A66616C73652C226C696E6B65645F636F6E766572736174696F6E73223A312C2272656A6563746564223A5B5D2C22726571756573745F6964223A227265715F30316B306863306E79633034626A647272643372723936676867222C22636F6E746163745F6964223A22636F6E5F30316B306863306E796330346B7A777631333976646537363079222C226D6174636865645F6279223A2263726561746564222C227772697474656E223A5B2265787465726E616C5F6964222C22656D61696C222C226E616D65222C22637573746F6D5F646174612E706C616E222C22637573746F6D5F646174612E766973697473222C22637573746F6D5F646174612E766970225D2C226B657074223A5B5D2C22636F6E666C69637473223A5B5D7D,1795086400000004);
DROP TABLE IF EXISTS `api_key`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `api_key` (
  `id` varchar(64) NOT NULL,
  `workspace_id` varchar(64) NOT NULL,
  `digest` varchar(64) NOT NULL,
  `created_at` bigint(20) NOT NULL,
  `app_id` varchar(64) DEFAULT NULL,
  `scopes` longtext NOT NULL,
  `revoked_at` bigint(20) DEFAULT NULL,
  `version` int(11) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `api_key_digest` (`digest`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

INSERT INTO `api_key` VALUES
('key_01k0hc0nyc0ecqderkrvpcec7m','ws_01k0hc0nyc00h4awvdf9kbwe27','2fdb37c6f2178381bcd908a9a82b3cd94adf5c6d03024e1867945acef228c0f3',1795000000000014,'app_01k0hc0nyc00nf9bam228pbsyj','[\"erase\",\"read\",\"write\"]',NULL,0);
DROP TABLE IF EXISTS `app`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `app` (
  `id` varchar(64) NOT NULL,
  `workspace_id` varchar(64) NOT NULL,
  `name` longtext NOT NULL,
  `created_at` bigint(20) NOT NULL,
  `origins` longtext NOT NULL,
  `verification` varchar(16) NOT NULL,
  `region` varchar(8) DEFAULT NULL,
  `version` int(11) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

INSERT INTO `app` VALUES
('app_01k0hc0nyc00nf9bam228pbsyj','ws_01k0hc0nyc00h4awvdf9kbwe27','Shop',1795000000000000,'[\"https://shop.example\"]','optional',NULL,0);
DROP TABLE IF EXISTS `conflict`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `conflict` (
  `id` varchar(64) NOT NULL,
  `workspace_id` varchar(64) NOT NULL,
  `app_id` varchar(64) DEFAULT NULL,
  `contact_id` varchar(64) NOT NULL,
  `other_id` varchar(64) NOT NULL,
  `field` longtext NOT NULL,
  `rule` longtext NOT NULL,
  `created_at` bigint(20) NOT NULL,
  `status` varchar(16) NOT NULL,
  `open_pair` varchar(129) DEFAULT NULL,
  `version` int(11) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `conflict_open_pair` (`open_pair`),
  KEY `conflict_workspace` (`workspace_id`,`status`,`id`),
  KEY `conflict_contact_id` (`contact_id`),
  KEY `conflict_other_id` (`other_id`),
  CONSTRAINT `conflict_contact` FOREIGN KEY (`contact_id`) REFERENCES `contact` (`id`),
  CONSTRAINT `conflict_other` FOREIGN KEY (`other_id`) REFERENCES `contact` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

INSERT INTO `conflict` VALUES
('cfl_01k0hc0nyc087egjywyx21ebjj','ws_01k0hc0nyc00h4awvdf9kbwe27','app_01k0hc0nyc00nf9bam228pbsyj','con_01k0hc0nyc063fh5077xxe7vxx','con_01k0hc0nyc04kzwv139vde760y','email','C2',1795000000000008,'open','con_01k0hc0nyc04kzwv139vde760y|con_01k0hc0nyc063fh5077xxe7vxx',0);
DROP TABLE IF EXISTS `contact`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `contact` (
  `id` varchar(64) NOT NULL,
  `workspace_id` varchar(64) NOT NULL,
  `created_at` bigint(20) NOT NULL,
  `updated_at` bigint(20) NOT NULL,
  `last_seen_at` bigint(20) NOT NULL,
  `created_by` longtext NOT NULL,
  `identifiers` longtext NOT NULL,
  `profile` longtext NOT NULL,
  `search` longtext NOT NULL,
  `merged_into` varchar(64) DEFAULT NULL,
  `version` int(11) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `contact_workspace` (`workspace_id`,`id`),
  KEY `contact_merged_into` (`merged_into`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

INSERT INTO `contact` VALUES
('con_01k0hc0nyc04kzwv139vde760y','ws_01k0hc0nyc00h4awvdf9kbwe27',1795000000000004,1795000000000004,1795000000000004,'visitor:vis_01k0hc0nyc01vt178rk3aepnmd','{\"external_id\":[\"ann\",3,1795000000000004,\"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch\"],\"email\":[\"Ann@shop.example\",1,1795000000000004,\"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch\"]}','{\"name\":[\"Änn\",3,1795000000000004,\"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch\"]}','ann\nann@shop.example\nänn',NULL,0),
('con_01k0hc0nyc063fh5077xxe7vxx','ws_01k0hc0nyc00h4awvdf9kbwe27',1795000000000006,1795000000000008,1795000000000008,'visitor:vis_01k0hc0nyc06200phw7qz37btp','{\"external_id\":[\"bob\",3,1795000000000006,\"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch\"],\"email\":[\"bob@shop.example\",1,1795000000000006,\"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch\"]}','{}','bob\nbob@shop.example',NULL,1),
('con_01k0hc0nyc0958aqyhzzh3mn54','ws_01k0hc0nyc00h4awvdf9kbwe27',1795000000000009,1795000000000009,1795000000000009,'visitor:vis_01k0hc0nyc09k4r2jq1kxfzpmz','{\"email\":[\"eve@shop.example\",2,1795000000000009,\"visitor:vis_01k0hc0nyc09k4r2jq1kxfzpmz\"]}','{\"name\":[\"ann\",2,1795000000000009,\"visitor:vis_01k0hc0nyc09k4r2jq1kxfzpmz\"],\"phone\":[\"+4930123456\",2,1795000000000009,\"visitor:vis_01k0hc0nyc09k4r2jq1kxfzpmz\"]}','eve@shop.example\nann\n+4930123456',NULL,0);
DROP TABLE IF EXISTS `conversation`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `conversation` (
  `id` varchar(64) NOT NULL,
  `workspace_id` varchar(64) NOT NULL,
  `app_id` varchar(64) NOT NULL,
  `visitor_id` varchar(64) NOT NULL,
  `created_at` bigint(20) NOT NULL,
  `last_message_at` bigint(20) NOT NULL,
  `status` varchar(16) NOT NULL,
  `contact_id` varchar(64) DEFAULT NULL,
  `link_standing` smallint(6) DEFAULT NULL,
  `version` int(11) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `conversation_workspace` (`workspace_id`,`id`),
  KEY `conversation_visitor` (`visitor_id`,`id`),
  KEY `conversation_contact_id` (`contact_id`,`id`),
  CONSTRAINT `conversation_contact` FOREIGN KEY (`contact_id`) REFERENCES `contact` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

INSERT INTO `conversation` VALUES
('cnv_01k0hc0nyc022zm11vt4qbkynm','ws_01k0hc0nyc00h4awvdf9kbwe27','app_01k0hc0nyc00nf9bam228pbsyj','vis_01k0hc0nyc01vt178rk3aepnmd',1795000000000002,1795000000000002,'open','con_01k0hc0nyc04kzwv139vde760y',3,1),
('cnv_01k0hc0nyc0bnxj6f8pe8cdk7a','ws_01k0hc0nyc00h4awvdf9kbwe27','app_01k0hc0nyc00nf9bam228pbsyj','vis_01k0hc0nyc0ahy08yfrtm7bd5k',1795000000000011,1795000000000011,'open',NULL,NULL,0);
DROP TABLE IF EXISTS `custom_data`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `custom_data` (
  `contact_id` varchar(64) NOT NULL,
  `app_id` varchar(64) NOT NULL,
  `block` longtext NOT NULL,
  PRIMARY KEY (`contact_id`,`app_id`),
  CONSTRAINT `custom_data_contact` FOREIGN KEY (`contact_id`) REFERENCES `contact` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

INSERT INTO `custom_data` VALUES
('con_01k0hc0nyc04kzwv139vde760y','app_01k0hc0nyc00nf9bam228pbsyj','{\"plan\":[\"pro\",3,1795000000000004,\"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch\"],\"visits\":[3,3,1795000000000004,\"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch\"],\"vip\":[true,3,1795000000000004,\"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch\"]}'),
('con_01k0hc0nyc063fh5077xxe7vxx','app_01k0hc0nyc00nf9bam228pbsyj','{\"plan\":[\"free\",3,1795000000000008,\"identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch\"]}');
DROP TABLE IF EXISTS `decision`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `decision` (
  `id` varchar(64) NOT NULL,
  `workspace_id` varchar(64) NOT NULL,
  `app_id` varchar(64) DEFAULT NULL,
  `contact_id` varchar(64) NOT NULL,
  `request_id` longtext NOT NULL,
  `at` bigint(20) NOT NULL,
  `by` longtext NOT NULL,
  `matched_by` longtext NOT NULL,
  `standing` longtext NOT NULL,
  `trace` longtext NOT NULL,
  PRIMARY KEY (`id`),
  KEY `decision_contact_id` (`contact_id`,`id`),
  CONSTRAINT `decision_contact` FOREIGN KEY (`contact_id`) REFERENCES `contact` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

INSERT INTO `decision` VALUES
('dec_01k0hc0nyc04z1gk64vyr7h3rb','ws_01k0hc0nyc00h4awvdf9kbwe27','app_01k0hc0nyc00nf9bam228pbsyj','con_01k0hc0nyc04kzwv139vde760y','req_01k0hc0nyc04bjdrrd3rr96ghg',1795000000000004,'identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch','created','proven','{\"steps\":[{\"stage\":\"verify\",\"plugin\":\"user-hash\",\"answer\":\"vouches for external_id\"},{\"stage\":\"name\",\"plugin\":\"external-id\",\"answer\":\"look up by external_id\"},{\"stage\":\"name\",\"plugin\":\"email\",\"answer\":\"look up by email\"},{\"stage\":\"match\",\"plugin\":\"pipeline\",\"answer\":\"somebody new\"},{\"stage\":\"link\",\"plugin\":\"link-orphans\",\"answer\":\"gives the contact this visitor\'s conversations\"}],\"fields\":[{\"field\":\"external_id\",\"verdict\":\"written\",\"reason\":\"filled as proven\"},{\"field\":\"email\",\"verdict\":\"written\",\"reason\":\"filled as claimed\"},{\"field\":\"name\",\"verdict\":\"written\",\"reason\":\"filled as proven\"},{\"field\":\"custom_data.plan\",\"verdict\":\"written\",\"reason\":\"filled as proven\"},{\"field\":\"custom_data.visits\",\"verdict\":\"written\",\"reason\":\"filled as proven\"},{\"field\":\"custom_data.vip\",\"verdict\":\"written\",\"reason\":\"filled as proven\"}]}'),
('dec_01k0hc0nyc0610tyv5ysssk069','ws_01k0hc0nyc00h4awvdf9kbwe27','app_01k0hc0nyc00nf9bam228pbsyj','con_01k0hc0nyc063fh5077xxe7vxx','req_01k0hc0nyc06gpkqzb1450dq5b',1795000000000006,'identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch','created','proven','{\"steps\":[{\"stage\":\"verify\",\"plugin\":\"user-hash\",\"answer\":\"vouches for external_id\"},{\"stage\":\"name\",\"plugin\":\"external-id\",\"answer\":\"look up by external_id\"},{\"stage\":\"name\",\"plugin\":\"email\",\"answer\":\"look up by email\"},{\"stage\":\"match\",\"plugin\":\"pipeline\",\"answer\":\"somebody new\"}],\"fields\":[{\"field\":\"external_id\",\"verdict\":\"written\",\"reason\":\"filled as proven\"},{\"field\":\"email\",\"verdict\":\"written\",\"reason\":\"filled as claimed\"}]}'),
('dec_01k0hc0nyc089jck2892zf6xtj','ws_01k0hc0nyc00h4awvdf9kbwe27','app_01k0hc0nyc00nf9bam228pbsyj','con_01k0hc0nyc063fh5077xxe7vxx','req_01k0hc0nyc08pn74k6t1fxyhww',1795000000000008,'identity-key:ik_01k0hc0nyc00bt8b5m7rd755ch','external_id','proven','{\"steps\":[{\"stage\":\"verify\",\"plugin\":\"user-hash\",\"answer\":\"vouches for external_id\"},{\"stage\":\"name\",\"plugin\":\"external-id\",\"answer\":\"look up by external_id\"},{\"stage\":\"name\",\"plugin\":\"email\",\"answer\":\"look up by email\"},{\"stage\":\"match\",\"plugin\":\"external-id\",\"answer\":\"it is con_01k0hc0nyc063fh5077xxe7vxx\"}],\"fields\":[{\"field\":\"custom_data.plan\",\"verdict\":\"written\",\"reason\":\"filled as proven\"},{\"field\":\"external_id\",\"verdict\":\"unchanged\",\"reason\":\"it was so already\"}]}'),
('dec_01k0hc0nyc092s1a73ew5xpsyz','ws_01k0hc0nyc00h4awvdf9kbwe27','app_01k0hc0nyc00nf9bam228pbsyj','con_01k0hc0nyc0958aqyhzzh3mn54','req_01k0hc0nyc09zy3tbjd1wwwcqz',1795000000000009,'visitor:vis_01k0hc0nyc09k4r2jq1kxfzpmz','created','owned','{\"steps\":[{\"stage\":\"name\",\"plugin\":\"email\",\"answer\":\"look up by email\"},{\"stage\":\"match\",\"plugin\":\"pipeline\",\"answer\":\"somebody new\"}],\"fields\":[{\"field\":\"email\",\"verdict\":\"written\",\"reason\":\"filled as owned\"},{\"field\":\"name\",\"verdict\":\"written\",\"reason\":\"filled as owned\"},{\"field\":\"phone\",\"verdict\":\"written\",\"reason\":\"filled as owned\"}]}');
DROP TABLE IF EXISTS `hullo_migration`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `hullo_migration` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(255) NOT NULL,
  `applied` datetime NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `hullo_migration_name` (`name`)
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

INSERT INTO `hullo_migration` VALUES
(2,'0001_first','2026-11-22 03:50:23');
DROP TABLE IF EXISTS `identifier`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `identifier` (
  `digest` varchar(64) NOT NULL,
  `workspace_id` varchar(64) NOT NULL,
  `kind` varchar(64) NOT NULL,
  `contact_id` varchar(64) NOT NULL,
  PRIMARY KEY (`digest`,`workspace_id`,`kind`),
  KEY `identifier_contact_id` (`contact_id`),
  CONSTRAINT `identifier_contact` FOREIGN KEY (`contact_id`) REFERENCES `contact` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

INSERT INTO `identifier` VALUES
('29ab588590ff4a810b414db65847cf9de19071fc1a32ef684e1587fa6dcf34db','ws_01k0hc0nyc00h4awvdf9kbwe27','email','con_01k0hc0nyc04kzwv139vde760y'),
('c6c26eb93c17554f2a3bf56a3bdf7c49427481ec371f93c08ab1a2714eaf67fe','ws_01k0hc0nyc00h4awvdf9kbwe27','external_id','con_01k0hc0nyc04kzwv139vde760y'),
('4772bbfa15f4c91223561d6e26864f526446bab1ee4c3163ee197ee2713b98db','ws_01k0hc0nyc00h4awvdf9kbwe27','email','con_01k0hc0nyc063fh5077xxe7vxx'),
('9b1fc6c75b6d72412878da60ff0c6ffb4728aab11c4dacf59ce27a28d4a3eaee','ws_01k0hc0nyc00h4awvdf9kbwe27','external_id','con_01k0hc0nyc063fh5077xxe7vxx'),
('5fc282f3fe7dd14165e56c3b2e9eb02861174a432cd5674b67fdd01e5a906859','ws_01k0hc0nyc00h4awvdf9kbwe27','email','con_01k0hc0nyc0958aqyhzzh3mn54');
DROP TABLE IF EXISTS `identity_key`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `identity_key` (
  `id` varchar(64) NOT NULL,
  `app_id` varchar(64) NOT NULL,
  `secret` longtext NOT NULL,
  `created_at` bigint(20) NOT NULL,
  `last_used_at` bigint(20) DEFAULT NULL,
  `retires_at` bigint(20) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `identity_key_app` (`app_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

INSERT INTO `identity_key` VALUES
('ik_01k0hc0nyc00bt8b5m7rd755ch','app_01k0hc0nyc00nf9bam228pbsyj','hik_a32ae444b7e7bc533a92664bc7d3cdf481281793b4b524193d73311e24e5b7f3',1795000000000000,1795000000000004,NULL);
DROP TABLE IF EXISTS `message`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `message` (
  `id` varchar(64) NOT NULL,
  `conversation_id` varchar(64) NOT NULL,
  `author` varchar(16) NOT NULL,
  `text` longtext NOT NULL,
  `created_at` bigint(20) NOT NULL,
  `client_id` longtext DEFAULT NULL,
  `repeat_key` varchar(64) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `message_repeat_key` (`repeat_key`),
  KEY `message_conversation_id` (`conversation_id`,`id`),
  CONSTRAINT `message_conversation` FOREIGN KEY (`conversation_id`) REFERENCES `conversation` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

INSERT INTO `message` VALUES
('msg_01k0hc0nyc02ga7hjes7zdzeqn','cnv_01k0hc0nyc022zm11vt4qbkynm','visitor','Do you ship to Łódź? 🦊',1795000000000002,NULL,NULL),
('msg_01k0hc0nyc0bz7wbkxe06avjr7','cnv_01k0hc0nyc0bnxj6f8pe8cdk7a','visitor','Hello?',1795000000000011,NULL,NULL);
DROP TABLE IF EXISTS `session`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `session` (
  `digest` varchar(64) NOT NULL,
  `workspace_id` varchar(64) NOT NULL,
  `app_id` varchar(64) NOT NULL,
  `visitor_id` varchar(64) NOT NULL,
  `created_at` bigint(20) NOT NULL,
  `seen_at` bigint(20) NOT NULL,
  `expires_at` bigint(20) NOT NULL,
  `contact_id` varchar(64) DEFAULT NULL,
  `standing` smallint(6) DEFAULT NULL,
  `claimed` longtext NOT NULL,
  `proved` longtext NOT NULL,
  `revoked_at` bigint(20) DEFAULT NULL,
  `version` int(11) NOT NULL,
  PRIMARY KEY (`digest`),
  KEY `session_contact_id` (`contact_id`),
  CONSTRAINT `session_contact` FOREIGN KEY (`contact_id`) REFERENCES `contact` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

INSERT INTO `session` VALUES
('26788742018af4cf9aab08d20073885106a6a7ad9aaf61a4638711249ee4183c','ws_01k0hc0nyc00h4awvdf9kbwe27','app_01k0hc0nyc00nf9bam228pbsyj','vis_01k0hc0nyc0cphrjda1htq1qfx',1795000000000012,1795000000000012,1797592000000012,NULL,NULL,'{}','[]',1795000000000013,1),
('3f40292ba6f1833ea6cdc532c90b1c481c07e29dc9436d3110af199532324595','ws_01k0hc0nyc00h4awvdf9kbwe27','app_01k0hc0nyc00nf9bam228pbsyj','vis_01k0hc0nyc0ahy08yfrtm7bd5k',1795000000000010,1795000000000011,1810552000000011,NULL,NULL,'{}','[]',NULL,1),
('5d5602826a5d0c561022974cde5f794f4a52557d395906d4cb7d8fbf7675988f','ws_01k0hc0nyc00h4awvdf9kbwe27','app_01k0hc0nyc00nf9bam228pbsyj','vis_01k0hc0nyc0dbsbbkmwht33jtq',1795000000000013,1795000000000013,1797592000000013,NULL,NULL,'{}','[]',NULL,0),
('82d33f41017c230886232e900b68a992a07561bfa28cd32ed1fc579a81bbd35c','ws_01k0hc0nyc00h4awvdf9kbwe27','app_01k0hc0nyc00nf9bam228pbsyj','vis_01k0hc0nyc01vt178rk3aepnmd',1795000000000001,1795000000000004,1810552000000004,'con_01k0hc0nyc04kzwv139vde760y',3,'{\"external_id\":\"c6c26eb93c17554f2a3bf56a3bdf7c49427481ec371f93c08ab1a2714eaf67fe\",\"email\":\"29ab588590ff4a810b414db65847cf9de19071fc1a32ef684e1587fa6dcf34db\"}','[\"c6c26eb93c17554f2a3bf56a3bdf7c49427481ec371f93c08ab1a2714eaf67fe\"]',NULL,2),
('92c22f663eeedf846b9b5a4037d22f22c77cdb8d7fb5203f7d44f46bf425e70e','ws_01k0hc0nyc00h4awvdf9kbwe27','app_01k0hc0nyc00nf9bam228pbsyj','vis_01k0hc0nyc09k4r2jq1kxfzpmz',1795000000000009,1795000000000009,1810552000000009,'con_01k0hc0nyc0958aqyhzzh3mn54',2,'{\"email\":\"5fc282f3fe7dd14165e56c3b2e9eb02861174a432cd5674b67fdd01e5a906859\"}','[]',NULL,0),
('c22d6e6081181e9c5c9d0a26b91e95302fb4302f25ce7838f8bfc152a1608219','ws_01k0hc0nyc00h4awvdf9kbwe27','app_01k0hc0nyc00nf9bam228pbsyj','vis_01k0hc0nyc06200phw7qz37btp',1795000000000006,1795000000000008,1810552000000008,'con_01k0hc0nyc063fh5077xxe7vxx',3,'{\"external_id\":\"9b1fc6c75b6d72412878da60ff0c6ffb4728aab11c4dacf59ce27a28d4a3eaee\",\"email\":\"29ab588590ff4a810b414db65847cf9de19071fc1a32ef684e1587fa6dcf34db\"}','[\"9b1fc6c75b6d72412878da60ff0c6ffb4728aab11c4dacf59ce27a28d4a3eaee\"]',NULL,1);
DROP TABLE IF EXISTS `visitor`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `visitor` (
  `id` varchar(64) NOT NULL,
  `app_id` varchar(64) NOT NULL,
  `created_at` bigint(20) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

INSERT INTO `visitor` VALUES
('vis_01k0hc0nyc01vt178rk3aepnmd','app_01k0hc0nyc00nf9bam228pbsyj',1795000000000001),
('vis_01k0hc0nyc06200phw7qz37btp','app_01k0hc0nyc00nf9bam228pbsyj',1795000000000006),
('vis_01k0hc0nyc09k4r2jq1kxfzpmz','app_01k0hc0nyc00nf9bam228pbsyj',1795000000000009),
('vis_01k0hc0nyc0ahy08yfrtm7bd5k','app_01k0hc0nyc00nf9bam228pbsyj',1795000000000010),
('vis_01k0hc0nyc0cphrjda1htq1qfx','app_01k0hc0nyc00nf9bam228pbsyj',1795000000000012),
('vis_01k0hc0nyc0dbsbbkmwht33jtq','app_01k0hc0nyc00nf9bam228pbsyj',1795000000000013);
DROP TABLE IF EXISTS `workspace`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `workspace` (
  `id` varchar(64) NOT NULL,
  `name` longtext NOT NULL,
  `created_at` bigint(20) NOT NULL,
  `version` int(11) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

INSERT INTO `workspace` VALUES
('ws_01k0hc0nyc00h4awvdf9kbwe27','default',1795000000000000,0);
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

