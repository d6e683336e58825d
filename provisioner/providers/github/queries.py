"""The GraphQL questions that readers ask: all there are. A reader's transport sends no other.

Pages are as long as GitHub allows (100). The first question takes a page of members, of teams and of repositories in
one call, each for as long as it has more.
"""

from __future__ import annotations

_PAGE = "pageInfo { hasNextPage endCursor }"
_MEMBERS = f"totalCount {_PAGE} edges {{ role node {{ login databaseId }} }}"
_GRANTED = f"totalCount {_PAGE} edges {{ permission node {{ name databaseId }} }}"
_INVITED = f"totalCount {_PAGE} nodes {{ email invitee {{ login databaseId }} }}"
_COLLABORATORS = f"""totalCount {_PAGE} edges {{
  permission node {{ login databaseId }}
  permissionSources {{
    roleName permission source {{ __typename ... on Organization {{ login }} ... on Team {{ slug }} }}
  }}
}}"""
_TEAM = "databaseId slug name description privacy parentTeam { slug }"

ORGANIZATION = f"""query Organization(
  $login: String!, $members: Boolean!, $teams: Boolean!, $repositories: Boolean!, $pending: Boolean!
  $membersAfter: String, $teamsAfter: String, $repositoriesAfter: String, $pendingAfter: String
  $teamsFirst: Int!, $repositoriesFirst: Int!
) {{
  organization(login: $login) {{
    databaseId login viewerIsAMember
    membersWithRole(first: 100, after: $membersAfter) @include(if: $members) {{
      totalCount {_PAGE} edges {{ role node {{ login databaseId name }} }}
    }}
    pendingMembers(first: 100, after: $pendingAfter) @include(if: $pending) {{
      totalCount {_PAGE} nodes {{ login databaseId name }}
    }}
    teams(first: $teamsFirst, after: $teamsAfter) @include(if: $teams) {{
      totalCount {_PAGE}
      nodes {{
        {_TEAM}
        members(first: 100, membership: IMMEDIATE) {{ {_MEMBERS} }}
        repositories(first: 100) {{ {_GRANTED} }}
        invitations(first: 100) {{ {_INVITED} }}
      }}
    }}
    repositories(first: $repositoriesFirst, after: $repositoriesAfter) @include(if: $repositories) {{
      totalCount {_PAGE}
      nodes {{ name databaseId isPrivate collaborators(first: 100, affiliation: DIRECT) {{ {_COLLABORATORS} }} }}
    }}
  }}
  rateLimit {{ cost remaining resetAt }}
}}"""

TEAM_MEMBERS = f"""query TeamMembers($login: String!, $slug: String!, $after: String, $query: String) {{
  organization(login: $login) {{
    team(slug: $slug) {{
      {_TEAM} members(first: 100, after: $after, membership: IMMEDIATE, query: $query) {{ {_MEMBERS} }}
    }}
  }}
  rateLimit {{ cost remaining resetAt }}
}}"""

TEAM_REPOSITORIES = f"""query TeamRepositories($login: String!, $slug: String!, $after: String) {{
  organization(login: $login) {{
    team(slug: $slug) {{ {_TEAM} repositories(first: 100, after: $after) {{ {_GRANTED} }} }}
  }}
  rateLimit {{ cost remaining resetAt }}
}}"""

TEAM_INVITATIONS = f"""query TeamInvitations($login: String!, $slug: String!, $after: String) {{
  organization(login: $login) {{
    team(slug: $slug) {{ {_TEAM} invitations(first: 100, after: $after) {{ {_INVITED} }} }}
  }}
  rateLimit {{ cost remaining resetAt }}
}}"""

COLLABORATORS = f"""query Collaborators($login: String!, $name: String!, $after: String) {{
  organization(login: $login) {{
    repository(name: $name) {{
      name databaseId isPrivate
      collaborators(first: 100, after: $after, affiliation: DIRECT) {{ {_COLLABORATORS} }}
    }}
  }}
  rateLimit {{ cost remaining resetAt }}
}}"""

_ACTORS = "totalCount nodes { actor { __typename ... on User { login } } }"
NAMED = f"""query Named($login: String!, $after: String) {{
  organization(login: $login) {{
    repositories(first: 100, after: $after) {{
      totalCount {_PAGE}
      nodes {{
        name
        deployKeys(first: 1) {{ totalCount }}
        branchProtectionRules(first: 20) {{
          totalCount
          nodes {{
            pattern
            pushAllowances(first: 50) {{ {_ACTORS} }}
            bypassPullRequestAllowances(first: 50) {{ {_ACTORS} }}
          }}
        }}
        environments(first: 20) {{
          totalCount
          nodes {{
            name
            protectionRules(first: 5) {{
              totalCount nodes {{ reviewers(first: 6) {{ totalCount nodes {{ __typename ... on User {{ login }} }} }} }}
            }}
          }}
        }}
      }}
    }}
  }}
  rateLimit {{ cost remaining resetAt }}
}}"""
"""Where people are named one by one, and which repositories have deploy keys: asked when somebody leaves."""

ALL = (ORGANIZATION, TEAM_MEMBERS, TEAM_REPOSITORIES, TEAM_INVITATIONS, COLLABORATORS, NAMED)
